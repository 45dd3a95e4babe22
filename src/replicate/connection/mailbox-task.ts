import type { ByteString } from '../../byte-string.ts';
import type { ReplicaMailbox } from '../../protocol/replica-session.ts';
import type { MailboxEntry, MailboxState } from '../../store/master-store.ts';
import type { LeftOut } from '../compare/left-out.ts';
import type { Turn } from './order.ts';

export interface MailboxTask {
  /** Owner, for progress; '' for shared mailboxes. */
  user: ByteString;
  entry: MailboxEntry;
  /** The replica's state, undefined if it does not have the mailbox. */
  remote: ReplicaMailbox | undefined;
  /** Partition on the replica. */
  partition: ByteString;
  turn: Turn;
  onState: (state: MailboxState) => void;
  /** Is called when both sides were merged, which may have moved what the replica counts for other folders of the owner. */
  onMerged: () => void;
  /** Is told of messages that cannot be sent, again with every attempt that meets them. */
  onLeftOut: (leftOut: readonly LeftOut[]) => void;
  /** Is called when an answer of the replica shows that it has the mailbox. */
  onExists: () => void;
  /** Is called as soon as a failure is known, and before the turn of the mailbox is over, so that whoever is next can know. */
  onFailed: () => void;
  /** Must be called before anything is sent. @throws SyncError if what the mailbox needs on the replica has failed */
  checkNeeds: () => void;
}
