import type { ReplicaMailbox } from '../../protocol/replica-session.ts';
import { basicCrc } from '../../store/mailbox/checksums.ts';
import type { IndexRecord, MailboxState } from '../../store/master-store.ts';

/**
 * Tells whether a delta of nothing but new messages would end in a checksum failure. The replica's server compares only
 * after it has applied everything, so it is foreseen: the master's checksum without the new messages is what the replica's
 * has to be now. Where a record has changed that was there before, nobody knows how it was, and nothing is foreseen.
 */
export function appendWouldMiss(
  state: Pick<MailboxState, 'crcBasic'>,
  remote: Pick<ReplicaMailbox, 'crcBasic' | 'lastUid' | 'highestmodseq'>,
  records: readonly IndexRecord[],
): boolean {
  if (state.crcBasic === 0 || remote.crcBasic === 0 || remote.highestmodseq === 0) return false;
  if (records.length === 0 || records.some((record) => record.uid <= remote.lastUid)) return false;
  const before = (state.crcBasic ^ basicCrc(records)) >>> 0;
  return before !== 0 && before !== remote.crcBasic;
}
