import type { ReplicaMailbox } from '../../protocol/replica-session.ts';
import { SyncError } from '../../report/sync-error.ts';
import type { MailboxEntry, MailboxView } from '../../store/master-store.ts';

/** Names are given again. @throws SyncError if what has the name now is not what was listed a moment ago */
export function checkSame(mailbox: MailboxView, listed: MailboxEntry): void {
  if (mailbox.entry.uniqueid === listed.uniqueid && mailbox.entry.partition === listed.partition) return;
  throw moved('the mailbox was moved or replaced while it was being read', listed);
}

/** The same of the replica. */
export function checkSameThere(remote: ReplicaMailbox, listed: MailboxEntry): void {
  if (remote.uniqueid === listed.uniqueid) return;
  throw moved(`the replica has another mailbox of this name (uniqueid ${remote.uniqueid})`, listed);
}

function moved(what: string, { name }: MailboxEntry): SyncError {
  return new SyncError('IMAP_MAILBOX_MOVED', what, { mailbox: name, phase: 'compare', retryable: true });
}
