import { isDeepStrictEqual } from 'node:util';
import type { ByteString } from '../../src/byte-string.ts';
import type { InspectedMailbox, InspectedUser, Inspection } from '../../src/sandbox/inspect.ts';
import type { IndexRecord } from '../../src/store/master-store.ts';
import type { MemoryStore } from '../lab/memory-store.ts';

/** Changes that somebody has made on the replica. */
export interface ChangedThere {
  /** `UNIQUEID/UID`. Once both sides have expunged such a one each keeps what it had: no server takes anything new for it. */
  records: ReadonlySet<string>;
  /**
   * Uniqueids of mailboxes that were merged, or begun to be: of a merge that was overtaken, and done again, the replica keeps
   * the MODSEQ that an expunged message was given at first.
   */
  merged: ReadonlySet<ByteString>;
  /** Uniqueids of mailboxes that were made there: nothing here proves that they are to go. */
  mailboxes: ReadonlySet<ByteString>;
}

/**
 * Everything of a user in which the replica is not as the master, in words; expunged records and their MODSEQs included.
 * A record that the master has cleaned away may still be there, expunged: each side cleans up for itself.
 *
 * @param there what somebody has done on the replica
 */
export function differencesOf(
  userid: ByteString | undefined,
  store: MemoryStore,
  replica: Inspection,
  there: ChangedThere,
): string[] {
  const found: string[] = [];
  const compare = (what: string, master: unknown, replica: unknown): void => {
    if (!isDeepStrictEqual(master, replica)) {
      found.push(`${what}: master ${JSON.stringify(master)}, replica ${JSON.stringify(replica)}`);
    }
  };
  const own = Object.values(replica.mailboxes).filter(({ name }) => store.ownerOf(name) === userid);
  const replicas = new Map(own.map((mailbox) => [mailbox.name, mailbox]));
  for (const name of [...store.names('')].filter((name) => store.ownerOf(name) === userid)) {
    const other = replicas.get(name);
    replicas.delete(name);
    const master = store.view(name);
    if (!other || !master) {
      found.push(`${name}: not on the ${other ? 'master' : 'replica'}`);
      continue;
    }
    const { entry, state } = master;
    const isOurs = ({ uid }: { uid: number }): boolean => there.records.has(`${entry.uniqueid}/${uid}`);
    const theirs = new Set(other.records.map(({ uid }) => uid));
    const records = store
      .records(name)
      .filter((one) => !(isOurs(one) && one.flags.includes('\\Expunged') && !theirs.has(one.uid)));
    compare(`${name} uniqueid`, entry.uniqueid, other.uniqueid);
    compare(`${name} acl`, entry.acl, other.acl);
    compare(`${name} uidvalidity`, state.uidvalidity, other.uidvalidity);
    compare(`${name} last uid`, state.lastUid, other.lastUid);
    compare(`${name} highestmodseq`, state.highestmodseq, other.highestmodseq);
    const comparable = (record: ComparedRecord): unknown => {
      return (isOurs(record) || there.merged.has(entry.uniqueid)) && record.flags.includes('\\Expunged')
        ? { uid: record.uid }
        : plain(record);
    };
    compare(`${name} records`, records.map(comparable), kept(other, records).map(comparable));
  }
  // Of shared mailboxes that are gone only the sync log tells.
  for (const { name, uniqueid } of userid === undefined ? [] : replicas.values()) {
    const now = store.lookupUniqueid(uniqueid);
    const owner = now && !now.deleted ? store.ownerOf(now.name) : undefined;
    // It has gone to somebody who is gone, of whom only the sync log tells.
    if (owner !== undefined && !isHere(store, owner)) continue;
    if (!there.mailboxes.has(uniqueid)) found.push(`${name}: not on the master`);
  }

  if (userid === undefined) return found;
  const user = replica.users[userid];
  compare(`scripts of ${userid}`, scriptsOf(store, userid), (user?.scripts ?? []).map(comparableScript));
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

function isHere(store: MemoryStore, userid: ByteString): boolean {
  return store.view(store.inboxName(userid)) !== undefined;
}

function scriptsOf(store: MemoryStore, userid: ByteString): unknown[] {
  const { scripts, active } = store.scriptFiles(userid);
  return scripts
    .map(({ filename, content }) => ({
      filename,
      content: content.toString('latin1'),
      active: active === filename.replace(/\.script$/, '.bc'),
    }))
    .sort((a, b) => (a.filename < b.filename ? -1 : 1));
}

function comparableScript({ filename, content, active }: InspectedUser['scripts'][number]): unknown {
  return { filename, content, active };
}

type ComparedRecord = Omit<IndexRecord, 'archived' | 'unlinked'>;

function kept({ records }: InspectedMailbox, master: readonly IndexRecord[]): InspectedMailbox['records'] {
  const uids = new Set(master.map(({ uid }) => uid));
  return records.filter(({ uid, flags }) => uids.has(uid) || !flags.includes('\\Expunged'));
}

function plain({ uid, modseq, flags, internaldate, guid, size }: ComparedRecord): unknown {
  return { uid, modseq, flags: [...flags].sort(), internaldate, guid, size };
}
