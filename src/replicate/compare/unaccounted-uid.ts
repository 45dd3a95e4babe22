import type { WireRecord } from '../../protocol/replica-session.ts';
import { isExpunged, sameRecord } from './same-record.ts';

/**
 * Finds the first UID at which the replica has something that the master does not account for: a message or an expunge of
 * its own, or a state that the master was never in. A delta over it would be refused after the fact, or would take it away
 * unseen. Both lists are in UID order.
 *
 * @param isCleanedUp by the master, so that the replica may still have it
 */
export function unaccountedUid(
  master: readonly WireRecord[],
  replica: readonly WireRecord[],
  isCleanedUp: (theirs: WireRecord) => boolean,
): number | undefined {
  const ours = new Map(master.map((record) => [record.uid, record]));
  return replica.find((theirs) => !isAccounted(ours.get(theirs.uid), theirs, isCleanedUp))?.uid;
}

function isAccounted(
  ours: WireRecord | undefined,
  theirs: WireRecord,
  isCleanedUp: (theirs: WireRecord) => boolean,
): boolean {
  if (isExpunged(theirs)) return ours === undefined || isExpunged(ours);
  if (ours === undefined) return isCleanedUp(theirs);
  if (ours.guid !== theirs.guid) return false;
  return ours.modseq > theirs.modseq || sameRecord(ours, theirs);
}
