import { isDeepStrictEqual } from 'node:util';
import type { ByteString } from '../../src/byte-string.ts';
import type { InspectedMailbox, Inspection } from '../../src/sandbox/inspect.ts';
import type { IndexRecord } from '../../src/store/master-store.ts';
import type { MemoryStore } from '../lab/memory-store.ts';

/** Changes that somebody has made on the replica. */
export interface ChangedThere {
  /** `UNIQUEID/UID`. Once both sides have expunged such a one each keeps what it had: no server takes anything new for it. */
  records: ReadonlySet<string>;
  /** Uniqueids of mailboxes that were made there: nothing here proves that they are to go. */
  mailboxes: ReadonlySet<ByteString>;
}

/**
 * Everything of a user in which the replica is not as the master, in words; expunged records and their MODSEQs included.
 * A record that the master has cleaned away may still be there, expunged: each side cleans up for itself.
 *
 * @param there what somebody has done on the replica
 */
export async function differencesOf(
  userid: ByteString,
  store: MemoryStore,
  replica: Inspection,
  there: ChangedThere,
): Promise<string[]> {
  const found: string[] = [];
  const compare = (what: string, master: unknown, replica: unknown): void => {
    if (!isDeepStrictEqual(master, replica)) {
      found.push(`${what}: master ${JSON.stringify(master)}, replica ${JSON.stringify(replica)}`);
    }
  };
  const own = Object.values(replica.mailboxes).filter(({ name }) => store.ownerOf(name) === userid);
  const replicas = new Map(own.map((mailbox) => [mailbox.name, mailbox]));
  for (const { name } of store.mailboxesOf(userid)) {
    const other = replicas.get(name);
    replicas.delete(name);
    const master = await store.readMailbox(name, (mailbox) => ({
      entry: mailbox.entry,
      state: mailbox.state,
      annotations: mailbox.annotations,
      records: [...store.records(name)],
    }));
    if (!other || !master) {
      found.push(`${name}: not on the ${other ? 'master' : 'replica'}`);
      continue;
    }
    const { entry, state } = master;
    compare(`${name} uniqueid`, entry.uniqueid, other.uniqueid);
    compare(`${name} acl`, entry.acl, other.acl);
    compare(`${name} uidvalidity`, state.uidvalidity, other.uidvalidity);
    compare(`${name} last uid`, state.lastUid, other.lastUid);
    compare(`${name} highestmodseq`, state.highestmodseq, other.highestmodseq);
    const comparable = (record: ComparedRecord): unknown => {
      const isOwn = there.records.has(`${entry.uniqueid}/${record.uid}`);
      return isOwn && record.flags.includes('\\Expunged') ? { uid: record.uid } : plain(record);
    };
    compare(`${name} records`, master.records.map(comparable), kept(other, master.records).map(comparable));
  }
  for (const { name, uniqueid } of replicas.values()) {
    if (!there.mailboxes.has(uniqueid)) found.push(`${name}: not on the master`);
  }

  const user = replica.users[userid];
  compare(
    `subscriptions of ${userid}`,
    store.subscriptions(userid).sort(),
    (user?.subscriptions ?? []).sort(),
  );
  const byId = (a: { uniqueid: string }, b: { uniqueid: string }): number =>
    a.uniqueid < b.uniqueid ? -1 : 1;
  compare(`seen state of ${userid}`, store.seen(userid).sort(byId), (user?.seen ?? []).sort(byId));
  const root = store.inboxName(userid);
  const quota = replica.quotas.find((each) => each.root === root);
  compare(`quota of ${root}`, store.quotas.get(root)?.storage, quota?.storage);
  return found;
}

type ComparedRecord = Omit<IndexRecord, 'archived' | 'unlinked'>;

function kept({ records }: InspectedMailbox, master: readonly IndexRecord[]): InspectedMailbox['records'] {
  const uids = new Set(master.map(({ uid }) => uid));
  return records.filter(({ uid, flags }) => uids.has(uid) || !flags.includes('\\Expunged'));
}

function plain({ uid, modseq, flags, internaldate, guid, size }: ComparedRecord): unknown {
  return { uid, modseq, flags: [...flags].sort(), internaldate, guid, size };
}
