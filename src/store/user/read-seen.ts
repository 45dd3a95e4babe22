import type { ByteString } from '../../byte-string.ts';
import { matches, UNIQUEID } from '../../grammar.ts';
import { withDatabase } from '../cyrusdb/with-database.ts';
import { decimal } from '../files/parse-disk-dlist.ts';
import { databaseDamaged, withRepair } from '../files/store-errors.ts';
import type { SeenEntry } from '../master-store.ts';

const SEEN_VERSION = '1';

const HINT =
  'restore it from a backup or move it away: without it the user loses what is marked as read in the mailboxes of others';

/** Reads the seen state that a user has, of any mailbox (store 10.1). No file means none. */
export function readSeen(path: string): SeenEntry[] {
  const rows = withRepair(HINT, () => withDatabase(path, (db) => [...db.entries('')])) ?? [];
  return rows.map(([key, value]) => parseSeen(path, key, value));
}

/** @throws SyncError DATABASE_DAMAGED */
export function parseSeen(path: string, uniqueid: ByteString, value: ByteString): SeenEntry {
  const unexpected = () =>
    databaseDamaged(
      path,
      `seen state of ${JSON.stringify(uniqueid)}: expected "1 LASTREAD LASTUID LASTCHANGE UIDS", found "${value}"`,
      'remove this row with cyr_dbtool; the user only loses what is marked as read in that mailbox',
    );
  const [, version, lastread, lastuid, lastchange, seenuids = ''] =
    /^([0-9]+) ([0-9]+) ([0-9]+) ([0-9]+)(?: ([\s\S]*))?$/.exec(value) ?? [];
  if (
    !matches(UNIQUEID, uniqueid) ||
    version !== SEEN_VERSION ||
    lastread === undefined ||
    lastuid === undefined ||
    lastchange === undefined
  ) {
    throw unexpected();
  }
  const numbers = { lastread: decimal(lastread), lastuid: decimal(lastuid), lastchange: decimal(lastchange) };
  if (Object.values(numbers).some(Number.isNaN)) throw unexpected();
  return {
    uniqueid,
    ...numbers,
    seenuids: isSequence(seenuids) ? seenuids : '',
  };
}

/** Cyrus forgets what it cannot use as a sequence. */
function isSequence(text: ByteString): boolean {
  return /^(?:[0-9]+|\*)(?::(?:[0-9]+|\*))?(?:,(?:[0-9]+|\*)(?::(?:[0-9]+|\*))?)*$/.test(text);
}
