import type { IndexRecord, MailboxEntry, MasterStore, OpenMailbox } from '../../src/store/master-store.ts';
import { type Census, countMailbox, emptyCensus } from './census.ts';

/** What the master's own files say, read by the same readers that replication uses. */
export async function countMaster(store: MasterStore): Promise<Census> {
  const census = emptyCensus();
  const { counts } = census;
  const roots = new Set<string>();
  for (const found of store.enumerate()) {
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
  using mailbox = await store.openMailbox(entry.name);
  if (mailbox === undefined) return undefined;
  census.counts.annotations += mailbox.annotations.length;
  countMailbox(census, entry.name, recordsOf(mailbox));
  return mailbox.state.quotaroot;
}

function* recordsOf(mailbox: OpenMailbox): Generator<IndexRecord> {
  for (const page of mailbox.pages()) {
    for (let i = 0; i < page.count; i++) yield page.record(i);
  }
}
