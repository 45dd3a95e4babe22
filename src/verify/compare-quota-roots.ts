import type { ByteString } from '../byte-string.ts';
import type { ReplicaQuota } from '../protocol/replica-session.ts';
import type { Difference } from '../report/difference.ts';
import type { QuotaEntry } from '../store/master-store.ts';
import type { Pair } from './pair.ts';

/**
 * Which quota counts for each mailbox. A root without limits of its own is what a removed quota leaves behind in mailboxes,
 * and is none.
 *
 * @param rootHere of each mailbox that was read
 */
export function compareQuotaRoots(
  pairs: readonly Pair[],
  rootHere: ReadonlyMap<ByteString, ByteString | undefined>,
  quotaHere: ReadonlyMap<ByteString, QuotaEntry | undefined>,
  quotaThere: readonly ReplicaQuota[],
): Difference[] {
  const there = new Set(quotaThere.map(({ root }) => root));
  const differences: Difference[] = [];
  for (const { entry, remote } of pairs) {
    // What a deletion moved away is counted until it is cleaned up, each server by its own rules.
    if (entry.inDeleted || !rootHere.has(entry.name)) continue;
    const named = rootHere.get(entry.name);
    const master = named !== undefined && quotaHere.get(named) ? named : undefined;
    const replica =
      remote.quotaroot !== undefined && there.has(remote.quotaroot) ? remote.quotaroot : undefined;
    // While the limits themselves differ they are what is told.
    if (master === replica || (master !== undefined && !there.has(master))) continue;
    if (replica !== undefined && !quotaHere.get(replica)) continue;
    differences.push({ kind: 'quota-root', user: entry.userid ?? '', mailbox: entry.name, master, replica });
  }
  return differences;
}
