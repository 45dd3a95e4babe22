import type { ReplicaMailbox } from '../../protocol/replica-session.ts';

/**
 * Tells whether a replica at these counters was told of every record with this modseq, as HIGHESTMODSEQ says where messages
 * have been sent. It says nothing at 0, since records may have 0 too: Cyrus 2.4 set none in an index that it upgraded. Nor
 * does it where LAST_UID is 0: a mailbox that was made empty, for its quota or its partition, stands at 1, which Cyrus 2.3
 * gave to all mail without CONDSTORE. A server takes what is above its LAST_UID at any modseq (protocol 12, step 8).
 */
export function hasHeardOf(
  { lastUid, highestmodseq }: Pick<ReplicaMailbox, 'lastUid' | 'highestmodseq'>,
  modseq: number,
): boolean {
  return lastUid !== 0 && highestmodseq !== 0 && modseq <= highestmodseq;
}
