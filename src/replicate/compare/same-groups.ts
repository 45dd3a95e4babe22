import type { ReplicaMailbox } from '../../protocol/replica-session.ts';
import type { MailboxView } from '../../store/master-store.ts';

const INBOX_NAME = /^(?:[^!]+!)?user\.[^.]+$/;

/**
 * Compares the groups that the owner of a mailbox is in. All mailboxes of a user tell the same of it, so that one of them,
 * INBOX, has to be sent. The C client compares nothing of it, and sends them with the next change of a mailbox.
 */
export function sameGroups(
  { entry, state }: Pick<MailboxView, 'entry' | 'state'>,
  remote: ReplicaMailbox,
): boolean {
  if (state.groups === undefined || remote.groups === undefined || !INBOX_NAME.test(entry.name)) return true;
  return state.groups === remote.groups;
}
