import { isDeepStrictEqual } from 'node:util';
import type { ByteString } from '../../src/byte-string.ts';
import type { InspectedMailbox, Inspection } from '../../src/sandbox/inspect.ts';
import type { IndexRecord } from '../../src/store/master-store.ts';
import type { MemoryStore } from '../lab/memory-store.ts';

/**
 * Everything of a user in which the replica is not as the master, in words; expunged records and their MODSEQs included.
 * A record that the master has cleaned away may still be there, expunged: each side cleans up for itself.
 */
export async function differencesOf(
  userid: ByteString,
  store: MemoryStore,
  there: Inspection,
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
    compare(`${name} records`, master.records.map(plain), kept(replica, master.records).map(plain));
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

function kept({ records }: InspectedMailbox, master: readonly IndexRecord[]): InspectedMailbox['records'] {
  const uids = new Set(master.map(({ uid }) => uid));
  return records.filter(({ uid, flags }) => uids.has(uid) || !flags.includes('\\Expunged'));
}

function plain({
  uid,
  modseq,
  flags,
  internaldate,
  guid,
  size,
}: Omit<IndexRecord, 'archived' | 'unlinked'>): unknown {
  return { uid, modseq, flags: [...flags].sort(), internaldate, guid, size };
}
