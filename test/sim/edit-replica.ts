import { createHash } from 'node:crypto';
import type { ByteString } from '../../src/byte-string.ts';
import type {
  ReplicaMailbox,
  ReplicaSession,
  WireMailbox,
  WireRecord,
} from '../../src/protocol/replica-session.ts';
import type { Inspection } from '../../src/sandbox/inspect.ts';
import { createdModseq } from '../lab/memory-store.ts';
import type { REPLICA_EDITS } from './plan.ts';

/** Seconds since the epoch. */
const THEN = 1_600_000_500;

export interface Edited {
  what: string;
  uniqueid: ByteString;
  /** 0: it is about the mailbox. */
  uid: number;
  guid: string;
  modseq: number;
}

/**
 * Does what a user does who works on the replica, as after a failover.
 *
 * @param begin is told just before it is done, since the answer may get lost
 * @returns what was done, for the history, and to which record; undefined: there was nothing to do it to
 */
export async function editReplica(
  session: ReplicaSession,
  name: ByteString,
  edit: (typeof REPLICA_EDITS)[number],
  choice: number,
  begin: (edited: Edited) => void,
): Promise<Edited | undefined> {
  const [mailbox] = await session.getMailboxes([name]);
  if (!mailbox) return undefined;
  const records: WireRecord[] = [];
  await session.getFullMailbox(name, (record) => records.push(record));
  const live = records.filter(({ flags }) => !flags.includes('\\Expunged'));
  const record = live[Math.floor(choice * live.length)];
  const modseq = mailbox.highestmodseq + 1;
  const doing = (edited: Edited): Edited => {
    begin(edited);
    return edited;
  };
  const ofRecord = ({ uid, guid }: { uid: number; guid: string }): Edited =>
    doing({ what: `${name} ${uid}`, uniqueid: mailbox.uniqueid, uid, guid, modseq });
  const ofMailbox = (what: string, uniqueid: ByteString): Edited =>
    doing({ what, uniqueid, uid: 0, guid: '', modseq });
  switch (edit) {
    case 'replica-uidvalidity': {
      const line = { ...mailbox, uidvalidity: mailbox.uidvalidity + 1, highestmodseq: modseq };
      const edited = ofMailbox(`${name} ${line.uidvalidity}`, mailbox.uniqueid);
      await session.applyMailbox(unchecked(line), []);
      return edited;
    }
    case 'replica-create': {
      const uniqueid = `there${Math.floor(choice * 1e9)}`;
      const made = `${name}.There${Math.floor(choice * 1e9)}`;
      const edited = ofMailbox(made, uniqueid);
      const line = { ...mailbox, name: made, uniqueid, lastUid: 0, highestmodseq: 1 };
      await session.applyMailbox(unchecked(line), []);
      return edited;
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
      const edited = ofRecord(appended);
      await change(session, { ...mailbox, lastUid: uid }, appended);
      return edited;
    }
    case 'replica-flag':
    case 'replica-expunge': {
      if (!record) return undefined;
      const edited = ofRecord(record);
      const flag = edit === 'replica-flag' ? '$Replica' : '\\Expunged';
      await change(session, mailbox, { ...record, modseq, flags: [...new Set([...record.flags, flag])] });
      return edited;
    }
  }
}

/** Tells whether the replica is as it was to become by what was begun last. */
export function isDone({ mailboxes }: Inspection, { uniqueid, uid, guid, modseq }: Edited): boolean {
  const records = Object.values(mailboxes).find((each) => each.uniqueid === uniqueid)?.records;
  if (records === undefined) return false;
  // Somebody else may have taken that UID and MODSEQ for another message.
  return (
    uid === 0 || records.some((each) => each.uid === uid && each.guid === guid && each.modseq === modseq)
  );
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
