import type { ByteString } from '../../byte-string.ts';
import { type CyrusDatabase, type KeyOrder, withDatabase } from '../cyrusdb/with-database.ts';
import { withRepair } from '../files/store-errors.ts';
import { internalNameOf } from '../mailbox-list/mailbox-key.ts';

const VERSION_KEY = '\x1fVER\x1f';
const INBOX_KEY = 'NINBOX';

const HINT = 'restore it from a backup or move it away: the user then subscribes anew';

/**
 * Reads internal names, in the order of the file (store 10.2). No file means none.
 *
 * @param inboxDbname what the abbreviation INBOX stands for
 */
export function readSubscriptions(
  path: string,
  inboxDbname: ByteString,
  order: KeyOrder = 'format',
): ByteString[] {
  return withRepair(HINT, () => withDatabase(path, (db) => subscribed(db, inboxDbname), { order })) ?? [];
}

function subscribed(db: CyrusDatabase, inboxDbname: ByteString): ByteString[] {
  const version = db.get(VERSION_KEY);
  const names: ByteString[] = [];
  for (const [key] of db.entries('')) {
    if (key.startsWith('\x1f')) continue;
    const name = version === undefined ? key : decodeSubscription(key, version, inboxDbname);
    if (name !== undefined) names.push(name);
  }
  return names;
}

/** @returns undefined for keys that are not a subscription */
export function decodeSubscription(
  key: ByteString,
  version: ByteString,
  inboxDbname: ByteString,
): ByteString | undefined {
  if (!key.startsWith('N')) return undefined;
  if (!isAbbreviated(key, version)) return internalNameOf(key.slice(1));
  return internalNameOf(inboxDbname + key.slice(INBOX_KEY.length));
}

/**
 * Version 2 abbreviates whatever begins like the user's INBOX, so that for user `al` a foreign `user.alice` is
 * `INBOXice`; since version 3 only the user's own tree.
 */
function isAbbreviated(key: ByteString, version: ByteString): boolean {
  if (!key.startsWith(INBOX_KEY)) return false;
  if (version === '2') return true;
  return key.length === INBOX_KEY.length || key[INBOX_KEY.length] === '\x1f';
}
