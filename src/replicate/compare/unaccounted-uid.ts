import type { WireRecord } from '../../protocol/replica-session.ts';
import { isExpunged, sameRecord } from './same-record.ts';

/**
 * Finds the first UID at which the replica has something that the master does not account for: a message or an expunge of
 * its own, or a state that the master was never in. A delta over it would be refused after the fact, or would take it away
 * unseen. Both lists are in UID order.
 *
 * @param deletedmodseq what the master has cleaned up, and the replica therefore may still have
 */
export function unaccountedUid(
  master: readonly WireRecord[],
  replica: readonly WireRecord[],
  deletedmodseq: number,
): number | undefined {
  const ours = new Map(master.map((record) => [record.uid, record]));
  return replica.find((theirs) => !isAccounted(ours.get(theirs.uid), theirs, deletedmodseq))?.uid;
}

function isAccounted(ours: WireRecord | undefined, theirs: WireRecord, deletedmodseq: number): boolean {
  if (isExpunged(theirs)) return ours === undefined || isExpunged(ours);
  if (ours === undefined) return theirs.modseq < deletedmodseq;
  if (ours.guid !== theirs.guid) return false;
  return ours.modseq > theirs.modseq || sameRecord(ours, theirs);
}
