import { isUtf8 } from 'node:buffer';
import { type ByteString, bytesFromText } from '../../byte-string.ts';
import { MAILBOX_NAME, matches, UNIQUEID, USERID } from '../../grammar.ts';
import { SyncError } from '../../report/sync-error.ts';
import type { MailboxEntry } from '../master-store.ts';
import { inboxOf, parseInternalName, parseUserid, toInternalName, useridOf } from './mailbox-name.ts';
import { legacyDirectory } from './mailbox-paths.ts';
import type { StoreLayout } from './store-layout.ts';

/** `<lockpath>/<name hashed as a mailbox name>.lock` (store 11). */
function lockFile(layout: StoreLayout, lockName: ByteString): string {
  return `${layout.lockPath}${legacyDirectory(layout, parseInternalName(layout, lockName))}.lock`;
}

/**
 * The per-(server, user) sync lock; userid '' for shared mailboxes. The server is spelled as the operator did: two
 * clients exclude each other only if they were given the same text.
 */
export function syncLockPath(layout: StoreLayout, server: string, userid: ByteString): string {
  checkUserid(userid);
  return lockFile(layout, `*S*${withoutDots(bytesFromText(server))}*${withoutDots(userid)}`);
}

/** The lock of who has quota roots of that server made or removed: not one of Cyrus's, among which it lies. */
export function quotaRootLockPath(layout: StoreLayout, server: string): string {
  return lockFile(layout, `*Q*${withoutDots(bytesFromText(server))}`);
}

/** The user namespace lock under each name that Cyrus may give it (store 11.2); of nobody for shared mailboxes. */
export function userLockPaths(layout: StoreLayout, userid: ByteString | undefined): string[] {
  checkUserid(userid ?? '');
  if (userid === undefined) return [lockFile(layout, '*U*')];
  const { userLock } = layout;
  const paths: string[] = [];
  if (userLock !== 'inbox') paths.push(lockFile(layout, `*U*${withoutDots(userid)}`));
  if (userLock !== 'userid') {
    paths.push(lockFile(layout, `*U*${toInternalName(layout, parseUserid(layout, userid))}`));
  }
  return paths;
}

/** The mailbox name lock: by uniqueid, or by name where the directories are by name. */
export function mailboxLockPath(
  layout: StoreLayout,
  entry: Pick<MailboxEntry, 'name' | 'uniqueid' | 'legacyDirs'>,
): string {
  const [name, grammar] = entry.legacyDirs ? [entry.name, MAILBOX_NAME] : [entry.uniqueid, UNIQUEID];
  if (name !== '' && !(matches(grammar, name) && isUtf8(Buffer.from(name, 'latin1')))) {
    const found = JSON.stringify(name.slice(0, 80));
    throw new SyncError('DATABASE_DAMAGED', `mailboxes.db: expected ${grammar.what}, found ${found}`, {
      phase: 'lock',
      mailbox: entry.name,
      hint: 'run ctl_mboxlist -d to see the row, and reconstruct the mailbox or remove the row',
    });
  }
  return lockFile(layout, name);
}

/**
 * Tells whether a lock can be named after it. What makes no text cannot: a path is text, and other octets would become
 * another user's lock, or nobody's.
 */
export function isUserid(userid: ByteString): boolean {
  return userid === '' || (matches(USERID, userid) && isUtf8(Buffer.from(userid, 'latin1')));
}

/**
 * Refuses what is no userid, wherever it came from: a lock is a file, and this must not become its path. '' stands for
 * shared mailboxes.
 */
function checkUserid(userid: ByteString): void {
  if (isUserid(userid)) return;
  throw new SyncError(
    'IMAP_INVALID_USER',
    `expected ${USERID.what}, found ${JSON.stringify(userid.slice(0, 80))}`,
    {
      phase: 'lock',
      hint: 'Cyrus has no such user: check where the name came from',
    },
  );
}

/** The owner in whose namespace a mailbox is, DELETED or not. */
export function namespaceOwner(layout: StoreLayout, name: ByteString): ByteString | undefined {
  return useridOf(inboxOf(parseInternalName(layout, name)));
}

function withoutDots(text: ByteString): ByteString {
  return text.replaceAll('.', '^');
}
