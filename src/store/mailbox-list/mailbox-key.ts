import type { ByteString } from '../../byte-string.ts';
import type { CyrusDatabase } from '../cyrusdb/with-database.ts';
import { DiskDlistError, parseDiskMap } from '../files/parse-disk-dlist.ts';

/**
 * How mailboxes.db is keyed (store 3.1): since 3.6 `N` + dbname and `I` + uniqueid, before that the internal
 * name alone. Everything in a store of the old kind has its directories by name.
 */
export type MailboxKeying = 'by-record' | 'by-name';

/** An `I` record names its mailbox; no row of an old store does, though its mailbox may well begin with an `I`. */
export function detectKeying(db: CyrusDatabase): MailboxKeying {
  for (const [, value] of db.entries('I')) return namesMailbox(value) ? 'by-record' : 'by-name';
  for (const _ of db.entries('')) return 'by-name';
  return 'by-record';
}

function namesMailbox(value: ByteString): boolean {
  if (!value.startsWith('%')) return false;
  try {
    return parseDiskMap(value).text('N') !== undefined;
  } catch (caught) {
    if (caught instanceof DiskDlistError) return false;
    throw caught;
  }
}

/**
 * Between internal name and dbname only separators differ, so this also works on prefixes. A domain keeps its dots in
 * both.
 */
export function dbnameOf(internalName: ByteString): ByteString {
  const bang = internalName.indexOf('!');
  const path = internalName
    .slice(bang + 1)
    .replaceAll('.', '\x1f')
    .replaceAll('^', '.');
  return bang < 0 ? path : `${internalName.slice(0, bang)}\x1d${path}`;
}

export function internalNameOf(dbname: ByteString): ByteString {
  const end = dbname.indexOf('\x1d');
  const path = dbname
    .slice(end + 1)
    .replaceAll('.', '^')
    .replaceAll('\x1f', '.');
  return end < 0 ? path : `${dbname.slice(0, end)}!${path}`;
}

export function mailboxKey(keying: MailboxKeying, internalName: ByteString): ByteString {
  return keying === 'by-record' ? `N${dbnameOf(internalName)}` : internalName;
}

/** The internal name in a key; undefined for keys that are not a mailbox. */
export function nameInKey(keying: MailboxKeying, key: ByteString): ByteString | undefined {
  if (keying === 'by-record') return key.startsWith('N') ? internalNameOf(key.slice(1)) : undefined;
  return key.startsWith('$') ? undefined : key;
}
