import { type ByteString, textFromBytes } from '../../byte-string.ts';
import { directoryHash } from '../cyrusdb/directory-hash.ts';
import type { MailboxEntry } from '../master-store.ts';
import { type MailboxName, parseUserid } from './mailbox-name.ts';
import { uniqueidDirectory } from './mailbox-paths.ts';
import type { StoreLayout } from './store-layout.ts';

export type UserFile = 'seen' | 'sub' | 'counters' | 'conversations' | 'dav';

/**
 * A per-user file (store 4.1). The user's INBOX row decides between directories by uniqueid and by name.
 *
 * @param inbox undefined if there is none: Cyrus then falls back to the name
 */
export function userFilePath(
  layout: StoreLayout,
  userid: ByteString,
  inbox: Pick<MailboxEntry, 'uniqueid' | 'legacyDirs'> | undefined,
  file: UserFile,
): string {
  if (inbox !== undefined && !inbox.legacyDirs && inbox.uniqueid !== '') {
    return `${layout.configdirectory}/user/${uniqueidDirectory(inbox.uniqueid)}/${file}.db`;
  }
  const name = parseUserid(layout, userid);
  return `${layout.configdirectory}${hashedUserDirectory(layout, name)}.${file}`;
}

/** `/domain/H/dom/user/h/lp`: per-user files are always hashed, and a dot is not escaped in them. */
function hashedUserDirectory(layout: StoreLayout, name: MailboxName): string {
  const localpart = name.localpart ?? '';
  const hash = directoryHash(localpart, layout.fulldirhash);
  return `${domainDirectory(layout, name.domain)}/user/${hash}/${textFromBytes(localpart)}`;
}

function domainDirectory(layout: StoreLayout, domain: ByteString | undefined): string {
  return domain === undefined
    ? ''
    : `/domain/${directoryHash(domain, layout.fulldirhash)}/${textFromBytes(domain)}`;
}

/** The directory of scripts, or only of their compiled form if they live in `#sieve`; undefined with sieveusehomedir. */
export function sieveDirectory(
  layout: StoreLayout,
  userid: ByteString,
  inbox: Pick<MailboxEntry, 'uniqueid' | 'legacyDirs'> | undefined,
): string | undefined {
  if (layout.sieveusehomedir) return undefined;
  if (inbox !== undefined && !inbox.legacyDirs && inbox.uniqueid !== '') {
    return `${layout.sievedir}/${uniqueidDirectory(inbox.uniqueid)}`;
  }
  // Without virtual domains the whole userid is the user's name here, `@` included.
  const name: MailboxName =
    layout.virtdomains === 'off'
      ? { domain: undefined, localpart: userid, boxes: [], deletedTime: 0 }
      : parseUserid(layout, userid);
  const localpart = name.localpart ?? '';
  const hash = directoryHash(localpart, layout.fulldirhash);
  return `${layout.sievedir}${domainDirectory(layout, name.domain)}/${hash}/${textFromBytes(localpart)}`;
}
