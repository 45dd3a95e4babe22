import type { ReplicaMailbox } from '../protocol/replica-session.ts';
import type { MailboxEntry } from '../store/master-store.ts';

/** One mailbox that both sides have. */
export interface Pair {
  entry: MailboxEntry;
  remote: ReplicaMailbox;
}
