import type { WireSeen } from '../../protocol/replica-session.ts';
import type { SeenEntry } from '../../store/master-store.ts';

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

/**
 * Empties what the replica has of a former user of the name, since no command removes a seen state: all that the master has
 * nothing for.
 */
export function emptySeen(master: readonly SeenEntry[], replica: readonly WireSeen[]): WireSeen[] {
  const ours = new Set(master.map(({ uniqueid }) => uniqueid));
  return replica
    .filter(({ uniqueid, lastuid, seenuids }) => !ours.has(uniqueid) && (lastuid > 0 || seenuids !== ''))
    .map(({ uniqueid, lastchange }) => ({ uniqueid, lastread: 0, lastuid: 0, lastchange, seenuids: '' }));
}
