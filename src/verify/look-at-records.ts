import type { WireRecord } from '../protocol/replica-session.ts';
import type { EngineContext } from '../replicate/engine.ts';
import type { Difference } from '../report/difference.ts';
import { SyncError } from '../report/sync-error.ts';
import type { IndexRecord, LockedMailbox } from '../store/master-store.ts';
import { compareRecord } from './compare-record.ts';
import type { Pair } from './pair.ts';
import { digestRecords, RecordComparison } from './record-digests.ts';

/** Messages of one mailbox that are named; what has more that differ is another mailbox. */
const MOST_NAMED = 1_000;

/** Every message of one mailbox, in memory of some octets for each. */
export async function lookAtRecords(
  { store, session }: EngineContext,
  { entry, remote }: Pair,
): Promise<Difference[]> {
  const digests = await store.readMailbox(entry.name, digestRecords);
  // Gone meanwhile, which the look at the mailbox itself tells.
  if (!digests) return [];
  const comparison = new RecordComparison(digests, MOST_NAMED);
  try {
    await session.getFullMailbox(remote.name, comparison.take);
  } catch (caught) {
    const error = SyncError.from(caught);
    if (error.code !== 'IMAP_MAILBOX_NONEXISTENT') throw error;
    // Gone there since it was listed.
    return [
      { kind: 'mailbox', user: entry.userid ?? '', mailbox: entry.name, master: '', replica: undefined },
    ];
  }
  comparison.end();
  const { differing } = comparison;
  if (differing.size === 0) return [];
  const ours = await store.readMailbox(entry.name, (mailbox) => liveRecords(mailbox, differing));
  const byUid = new Map(ours?.map((record) => [record.uid, record]));
  return [...differing].flatMap(([uid, theirs]) =>
    compareRecord(byUid.get(uid), theirs).map(
      (found): Difference => ({ user: entry.userid ?? '', mailbox: entry.name, uid, ...found }),
    ),
  );
}

function liveRecords(
  mailbox: LockedMailbox,
  wanted: ReadonlyMap<number, WireRecord | undefined>,
): IndexRecord[] {
  const records: IndexRecord[] = [];
  for (const page of mailbox.pages()) {
    for (let i = 0; i < page.count; i++) {
      if (wanted.has(page.uid(i)) && !page.expunged(i)) records.push(page.record(i));
    }
  }
  return records;
}
