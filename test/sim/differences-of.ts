import { isDeepStrictEqual } from 'node:util';
import type { ByteString } from '../../src/byte-string.ts';
import type { InspectedMailbox, Inspection } from '../../src/sandbox/inspect.ts';
import type { IndexRecord } from '../../src/store/master-store.ts';
import type { MemoryStore } from '../lab/memory-store.ts';

/**
 * Everything of a user in which the replica is not as the master, in words; expunged records and their MODSEQs included.
 * A record that the master has cleaned away may still be there, expunged: each side cleans up for itself.
 *
 * @param changedThere records (`UNIQUEID/UID`) that somebody has changed on the replica: once both sides have expunged such a
 *   one each keeps what it had, since no server takes anything new for a record that is expunged
 */
export async function differencesOf(
  userid: ByteString,
  store: MemoryStore,
  there: Inspection,
  changedThere: ReadonlySet<string>,
): Promise<string[]> {
  const found: string[] = [];
  const compare = (what: string, master: unknown, replica: unknown): void => {
    if (!isDeepStrictEqual(master, replica)) {
      found.push(`${what}: master ${JSON.stringify(master)}, replica ${JSON.stringify(replica)}`);
    }
  };
  const own = Object.values(there.mailboxes).filter(({ name }) => store.ownerOf(name) === userid);
  const replicas = new Map(own.map((mailbox) => [mailbox.name, mailbox]));
  for (const { name } of store.mailboxesOf(userid)) {
    const replica = replicas.get(name);
    replicas.delete(name);
    const master = await store.readMailbox(name, (mailbox) => ({
      entry: mailbox.entry,
      state: mailbox.state,
      annotations: mailbox.annotations,
      records: [...store.records(name)],
    }));
    if (!replica || !master) {
      found.push(`${name}: not on the ${replica ? 'master' : 'replica'}`);
      continue;
    }
    const { entry, state } = master;
    compare(`${name} uniqueid`, entry.uniqueid, replica.uniqueid);
    compare(`${name} acl`, entry.acl, replica.acl);
    compare(`${name} uidvalidity`, state.uidvalidity, replica.uidvalidity);
    compare(`${name} last uid`, state.lastUid, replica.lastUid);
    compare(`${name} highestmodseq`, state.highestmodseq, replica.highestmodseq);
    const comparable = (record: ComparedRecord): unknown => {
      const isOwn = changedThere.has(`${entry.uniqueid}/${record.uid}`);
      return isOwn && record.flags.includes('\\Expunged') ? { uid: record.uid } : plain(record);
    };
    compare(`${name} records`, master.records.map(comparable), kept(replica, master.records).map(comparable));
  }
  for (const name of replicas.keys()) found.push(`${name}: not on the master`);

  const user = there.users[userid];
  compare(
    `subscriptions of ${userid}`,
    store.subscriptions(userid).sort(),
    (user?.subscriptions ?? []).sort(),
  );
  const byId = (a: { uniqueid: string }, b: { uniqueid: string }): number =>
    a.uniqueid < b.uniqueid ? -1 : 1;
  compare(`seen state of ${userid}`, store.seen(userid).sort(byId), (user?.seen ?? []).sort(byId));
  const root = store.inboxName(userid);
  const quota = there.quotas.find((each) => each.root === root);
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
