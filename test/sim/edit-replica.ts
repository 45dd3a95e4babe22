import { createHash } from 'node:crypto';
import type { ByteString } from '../../src/byte-string.ts';
import type {
  ReplicaMailbox,
  ReplicaSession,
  WireMailbox,
  WireRecord,
} from '../../src/protocol/replica-session.ts';
import { createdModseq } from '../lab/memory-store.ts';
import type { REPLICA_EDITS } from './plan.ts';

/** Seconds since the epoch. */
const THEN = 1_600_000_500;

/**
 * Does what a user does who works on the replica, as after a failover.
 *
 * @returns what was done, for the history, and to which record; undefined: there was nothing to do it to
 */
export async function editReplica(
  session: ReplicaSession,
  name: ByteString,
  edit: (typeof REPLICA_EDITS)[number],
  choice: number,
): Promise<{ what: string; uniqueid: ByteString; uid: number; guid: string; modseq: number } | undefined> {
  const [mailbox] = await session.getMailboxes([name]);
  if (!mailbox) return undefined;
  const records: WireRecord[] = [];
  await session.getFullMailbox(name, (record) => records.push(record));
  const live = records.filter(({ flags }) => !flags.includes('\\Expunged'));
  const record = live[Math.floor(choice * live.length)];
  const modseq = mailbox.highestmodseq + 1;
  const done = (uid: number, guid: string) => ({
    what: `${name} ${uid}`,
    uniqueid: mailbox.uniqueid,
    uid,
    guid,
    modseq,
  });
  switch (edit) {
    case 'replica-uidvalidity': {
      const line = { ...mailbox, uidvalidity: mailbox.uidvalidity + 1, highestmodseq: modseq };
      await session.applyMailbox(unchecked(line), []);
      return { what: `${name} ${line.uidvalidity}`, uniqueid: mailbox.uniqueid, uid: 0, guid: '', modseq };
    }
    case 'replica-create': {
      const uniqueid = `there${Math.floor(choice * 1e9)}`;
      const made = `${name}.There${Math.floor(choice * 1e9)}`;
      await session.applyMailbox(
        unchecked({ ...mailbox, name: made, uniqueid, lastUid: 0, highestmodseq: 1 }),
        [],
      );
      return { what: made, uniqueid, uid: 0, guid: '', modseq };
    }
    case 'replica-append': {
      const content = Buffer.from(`Subject: on the replica\r\n\r\n${choice}\r\n`);
      const guid = createHash('sha1').update(content).digest('hex');
      const partition = mailbox.partition ?? 'default';
      await session.applyReserve(partition, [], [guid]);
      await session.applyMessages([{ partition, guid, size: content.length, content }]);
      const uid = mailbox.lastUid + 1;
      const appended = {
        uid,
        modseq,
        lastUpdated: THEN,
        flags: [],
        internaldate: THEN,
        size: content.length,
        guid,
        annotations: [createdModseq(modseq)],
      };
      await change(session, { ...mailbox, lastUid: uid }, appended);
      return done(uid, guid);
    }
    case 'replica-flag':
      if (!record) return undefined;
      await change(session, mailbox, {
        ...record,
        modseq,
        flags: [...new Set([...record.flags, '$Replica'])],
      });
      return done(record.uid, record.guid);
    case 'replica-expunge':
      if (!record) return undefined;
      await change(session, mailbox, { ...record, modseq, flags: [...record.flags, '\\Expunged'] });
      return done(record.uid, record.guid);
  }
}

async function change(session: ReplicaSession, mailbox: ReplicaMailbox, record: WireRecord): Promise<void> {
  await session.applyMailbox(unchecked({ ...mailbox, highestmodseq: record.modseq }), [record]);
}

/** A line whose checksums nobody compares. */
function unchecked(mailbox: ReplicaMailbox): WireMailbox {
  return {
    ...mailbox,
    crcBasic: 0,
    crcAnnotations: undefined,
    since: undefined,
    intermediate: false,
    local: false,
  };
}
