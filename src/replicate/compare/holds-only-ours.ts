import type { ReplicaMailbox } from '../../protocol/replica-session.ts';
import { basicCrc } from '../../store/mailbox/sync-crc.ts';
import type { IndexRecord, MailboxState } from '../../store/master-store.ts';

/**
 * Whether the live messages of the replica are those that the master has had for as long, as they are there: then nothing
 * that was cleaned up here is left there. Only told where all else that is new here are new messages.
 */
export function holdsOnlyOurs(
  state: Pick<MailboxState, 'crcBasic'>,
  remote: Pick<ReplicaMailbox, 'crcBasic' | 'lastUid'>,
  records: readonly IndexRecord[],
): boolean {
  if (remote.crcBasic === 0 || records.some((record) => record.uid <= remote.lastUid)) return false;
  return (state.crcBasic ^ basicCrc(records)) >>> 0 === remote.crcBasic;
}
