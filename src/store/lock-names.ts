import { type ByteString, bytesFromText } from '../byte-string.ts';
import type { StoreLayout } from './layout.ts';
import { inboxOf, parseInternalName, parseUserid, toInternalName, useridOf } from './mailbox-name.ts';
import { legacyDirectory } from './mailbox-paths.ts';
import type { MailboxEntry } from './master-store.ts';

/** `<lockpath>/<name hashed as a mailbox name>.lock` (store section 11). */
function lockFile(layout: StoreLayout, lockName: ByteString): string {
  return `${layout.lockPath}${legacyDirectory(layout, parseInternalName(layout, lockName))}.lock`;
}

/**
 * The per-(server, user) sync lock; userid '' for shared mailboxes. The server is spelled as the operator did: two
 * clients exclude each other only if they were given the same text.
 */
export function syncLockPath(layout: StoreLayout, server: string, userid: ByteString): string {
  return lockFile(layout, `*S*${withoutDots(bytesFromText(server))}*${withoutDots(userid)}`);
}

/** The user namespace lock; undefined where this Cyrus takes none (shared mailboxes up to 3.10). */
export function userLockPath(layout: StoreLayout, userid: ByteString | undefined): string | undefined {
  if (layout.userLock === 'userid') {
    return userid === undefined ? undefined : lockFile(layout, `*U*${withoutDots(userid)}`);
  }
  const inbox = userid === undefined ? '' : toInternalName(layout, parseUserid(layout, userid));
  return lockFile(layout, `*U*${inbox}`);
}

/** The mailbox name lock: by uniqueid, or by name where the directories are by name. */
export function mailboxLockPath(
  layout: StoreLayout,
  entry: Pick<MailboxEntry, 'name' | 'uniqueid' | 'legacyDirs'>,
): string {
  return lockFile(layout, entry.legacyDirs ? entry.name : entry.uniqueid);
}

/** The owner in whose namespace a mailbox is, DELETED or not. */
export function namespaceOwner(layout: StoreLayout, name: ByteString): ByteString | undefined {
  return useridOf(inboxOf(parseInternalName(layout, name)));
}

function withoutDots(text: ByteString): ByteString {
  return text.replaceAll('.', '^');
}
