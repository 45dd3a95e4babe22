import type { ReplicaMailbox } from '../../protocol/replica-session.ts';
import { basicCrc } from '../../store/mailbox/checksums.ts';
import type { IndexRecord, MailboxState } from '../../store/master-store.ts';

/**
 * Tells whether the live messages of the replica are just those that the master had before its new ones: then nothing that
 * was cleaned up here is left there. The answer is true only where nothing but new messages has to be sent.
 */
export function holdsOnlyOurs(
  state: Pick<MailboxState, 'crcBasic'>,
  remote: Pick<ReplicaMailbox, 'crcBasic' | 'lastUid'>,
  records: readonly IndexRecord[],
): boolean {
  if (remote.crcBasic === 0 || records.some((record) => record.uid <= remote.lastUid)) return false;
  return (state.crcBasic ^ basicCrc(records)) >>> 0 === remote.crcBasic;
}
