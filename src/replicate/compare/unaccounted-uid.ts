import type { WireRecord } from '../../protocol/replica-session.ts';
import { isExpunged, sameRecord } from './same-record.ts';

/**
 * The first UID at which the replica has something that the master does not account for: a message or an expunge of its
 * own, or a state that is not one the master was in before. A delta over it would end in a refusal after the fact, or
 * take it away unseen. Both lists in UID order.
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
