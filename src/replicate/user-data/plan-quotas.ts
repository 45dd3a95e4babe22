import type { ByteString } from '../../byte-string.ts';
import type { ReplicaQuota } from '../../protocol/replica-session.ts';
import type { QuotaEntry } from '../../store/master-store.ts';

export interface QuotaPlan {
  set: QuotaEntry[];
  remove: ByteString[];
}

/**
 * Quotas to set and to remove (algorithm 8.1). Usage is never sent.
 *
 * @param master limits of all roots that either side knows, undefined for one that is gone here; what has no entry could
 *   not be read
 */
export function planQuotas(
  master: ReadonlyMap<ByteString, QuotaEntry | undefined>,
  replica: readonly ReplicaQuota[],
): QuotaPlan {
  const there = new Map(replica.map((quota) => [quota.root, quota]));
  const plan: QuotaPlan = { set: [], remove: [] };
  for (const [root, ours] of master) {
    const theirs = there.get(root);
    if (!ours) {
      if (theirs) plan.remove.push(root);
    } else if (!theirs || !sameLimits(ours, theirs)) {
      plan.set.push(ours);
    }
  }
  return plan;
}

function sameLimits(a: ReplicaQuota, b: ReplicaQuota): boolean {
  return (
    a.storage === b.storage &&
    a.messages === b.messages &&
    a.annotationStorage === b.annotationStorage &&
    a.folders === b.folders
  );
}
