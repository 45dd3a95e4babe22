import type { IndexRecord, LockedMailbox, MailboxEntry, MasterStore } from '../../src/store/master-store.ts';
import { type Census, countMailbox, emptyCensus } from './census.ts';

/** Counts what the master's own files say, read by the same readers that replication uses. */
export async function countMaster(store: MasterStore): Promise<Census> {
  const census = emptyCensus();
  const { counts } = census;
  const roots = new Set<string>();
  for (const found of store.enumerate()) {
    if (found.kind === 'busy') continue;
    if (found.kind === 'shared') {
      await countEntry(store, store.lookup(found.name), census);
      continue;
    }
    const { userid } = found;
    counts.users += 1;
    for (const entry of store.mailboxesOf(userid)) {
      const root = await countEntry(store, entry, census);
      if (root !== undefined) roots.add(root);
    }
    counts.subscriptions += store.subscriptions(userid).length;
    counts['seen states'] += store.seen(userid).length;
    counts['Sieve scripts'] += (await store.sieve(userid)).scripts.length;
  }
  for (const root of roots) if (store.quota(root) !== undefined) counts.quotas += 1;
  return census;
}

/** @returns its quota root */
async function countEntry(
  store: MasterStore,
  entry: MailboxEntry | undefined,
  census: Census,
): Promise<string | undefined> {
  if (entry === undefined || entry.intermediate || entry.deleted) return undefined;
  const found = await store.readMailbox(entry.name, (mailbox) => ({
    annotations: mailbox.annotations,
    records: [...recordsOf(mailbox)],
    quotaroot: mailbox.state.quotaroot,
  }));
  if (found === undefined) return undefined;
  census.counts.annotations += found.annotations.length;
  countMailbox(census, entry.name, found.records);
  return found.quotaroot;
}

function* recordsOf(mailbox: LockedMailbox): Generator<IndexRecord> {
  for (const page of mailbox.pages()) {
    for (let i = 0; i < page.count; i++) yield page.record(i);
  }
}
