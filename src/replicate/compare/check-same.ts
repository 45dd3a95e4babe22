import type { ReplicaMailbox } from '../../protocol/replica-session.ts';
import { SyncError } from '../../report/sync-error.ts';
import type { MailboxEntry, MailboxView } from '../../store/master-store.ts';

/**
 * Checks that the name still belongs to the mailbox that was listed a moment ago: names are used again. @throws SyncError
 */
export function checkSame(mailbox: MailboxView, listed: MailboxEntry): void {
  if (mailbox.entry.uniqueid === listed.uniqueid && mailbox.entry.partition === listed.partition) return;
  throw moved('the mailbox was moved or replaced while it was being read', listed);
}

/** Checks the same on the replica. @throws SyncError */
export function checkSameThere(remote: ReplicaMailbox, listed: MailboxEntry): void {
  if (remote.uniqueid === listed.uniqueid) return;
  throw moved(`the replica has another mailbox of this name (uniqueid ${remote.uniqueid})`, listed);
}

function moved(what: string, { name }: MailboxEntry): SyncError {
  return new SyncError('IMAP_MAILBOX_MOVED', what, { mailbox: name, phase: 'compare', retryable: true });
}
