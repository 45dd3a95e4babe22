import type { LoadMailbox } from './load-messages.ts';

/**
 * Where a steady stream changes what: users in turn, and for each of them in turn new mail in the INBOX, a flag there,
 * and new mail in one of the folders.
 *
 * @param mailboxes of each user as many, the INBOX first: all INBOXes, then all of the first folder, and so on
 */
export function mailboxOf(
  number: number,
  mailboxes: readonly LoadMailbox[],
): { mailbox: LoadMailbox; kind: 'append' | 'flag' } {
  const users = new Set(mailboxes.map(({ user }) => user)).size;
  const folders = mailboxes.length / users - 1;
  const [user, turn] = [number % users, Math.floor(number / users)];
  const kind = (['new mail', 'flag', 'folder'] as const)[(user + turn) % 3];
  const folder = kind === 'folder' && folders > 0 ? 1 + (Math.floor(turn / 3) % folders) : 0;
  const mailbox = mailboxes[folder * users + user];
  if (mailbox === undefined) throw new Error(`expected ${users} users with a folder ${folder}`);
  return { mailbox, kind: kind === 'flag' ? 'flag' : 'append' };
}
