import type { ByteString } from '../../byte-string.ts';
import type { ReplicaQuota, WireSeen } from '../../protocol/replica-session.ts';
import type { QuotaEntry, SeenEntry } from '../../store/master-store.ts';

/** Subscriptions to add and to take away: a plain set difference of internal names (algorithm 8.2). */
export function planSubscriptions(
  master: readonly ByteString[],
  replica: readonly ByteString[],
): { add: ByteString[]; remove: ByteString[] } {
  const here = new Set(master);
  const there = new Set(replica);
  return {
    add: [...here].filter((name) => !there.has(name)),
    remove: [...there].filter((name) => !here.has(name)),
  };
}

/** Seen state that differs or is absent there; none is ever deleted on the replica (algorithm 8.3). */
export function planSeen(master: readonly SeenEntry[], replica: readonly WireSeen[]): SeenEntry[] {
  const there = new Map(replica.map((entry) => [entry.uniqueid, entry]));
  return master.filter((entry) => {
    const other = there.get(entry.uniqueid);
    return (
      other === undefined ||
      other.lastuid !== entry.lastuid ||
      other.lastread !== entry.lastread ||
      other.lastchange !== entry.lastchange ||
      other.seenuids !== entry.seenuids
    );
  });
}

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
export function planQuota(
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
