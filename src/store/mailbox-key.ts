import type { ByteString } from '../byte-string.ts';
import type { CyrusDatabase } from './cyrusdb/database.ts';
import { DiskDlistError, parseDiskMap } from './disk-dlist.ts';

/**
 * How mailboxes.db is keyed (store section 3.1): since 3.6 `N` + dbname and `I` + uniqueid, before that the internal
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

/** Between internal name and dbname nothing but three separators differs, so this also works on prefixes. */
export function dbnameOf(internalName: ByteString): ByteString {
  return internalName.replace('!', '\x1d').replaceAll('.', '\x1f').replaceAll('^', '.');
}

export function internalNameOf(dbname: ByteString): ByteString {
  return dbname.replace('\x1d', '!').replaceAll('.', '^').replaceAll('\x1f', '.');
}

export function mailboxKey(keying: MailboxKeying, internalName: ByteString): ByteString {
  return keying === 'by-record' ? `N${dbnameOf(internalName)}` : internalName;
}

/** The internal name in a key; undefined for keys that are not a mailbox. */
export function nameInKey(keying: MailboxKeying, key: ByteString): ByteString | undefined {
  if (keying === 'by-record') return key.startsWith('N') ? internalNameOf(key.slice(1)) : undefined;
  return key.startsWith('$') ? undefined : key;
}
