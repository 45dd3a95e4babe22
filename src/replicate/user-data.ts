import type { ByteString } from '../byte-string.ts';
import type { ReplicaQuota, WireSeen } from '../protocol/replica-session.ts';
import type { QuotaEntry, SeenEntry } from '../store/master-store.ts';

/** Algorithm section 8.2: plain set difference of internal names. */
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

/** Algorithm section 8.3: what differs or is absent; seen state is never deleted on the replica. */
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
 * Algorithm section 8.1. `roots` are those of the job's mailboxes; `read` gives the master's limits, undefined if the
 * root is gone. Usage is never sent.
 */
export function planQuota(
  roots: Iterable<ByteString>,
  replica: readonly ReplicaQuota[],
  read: (root: ByteString) => QuotaEntry | undefined,
): QuotaPlan {
  const there = new Map(replica.map((quota) => [quota.root, quota]));
  const plan: QuotaPlan = { set: [], remove: [] };
  for (const root of new Set([...roots, ...there.keys()])) {
    const ours = read(root);
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
