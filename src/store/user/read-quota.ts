import { join } from 'node:path';
import { type ByteString, textFromBytes } from '../../byte-string.ts';
import { nameInText } from '../../report/name-in-text.ts';
import { QUOTA_REPAIR, quotaLegacy } from '../cyrusdb/quota-legacy.ts';
import { type KeyOrder, withDatabase } from '../cyrusdb/with-database.ts';
import { databaseDamaged } from '../files/store-errors.ts';
import type { QuotaEntry } from '../master-store.ts';
import type { StoreLayout } from '../paths/store-layout.ts';
import { parseQuotaValue, QuotaValueError } from './parse-quota-value.ts';

/** @returns undefined if there is no such root. @throws SyncError DATABASE_DAMAGED, IO */
export function readQuota(layout: StoreLayout, root: ByteString, order: KeyOrder): QuotaEntry | undefined {
  const value = quotaValue(layout, root, order);
  if (value === undefined || value === '') return undefined;
  try {
    return { root, ...parseQuotaValue(value) };
  } catch (caught) {
    if (!(caught instanceof QuotaValueError)) throw caught;
    throw databaseDamaged(
      join(layout.quotaPath, textFromBytes(root)),
      `quota root ${nameInText(root)}: ${caught.message}`,
      QUOTA_REPAIR,
    );
  }
}

function quotaValue(layout: StoreLayout, root: ByteString, order: KeyOrder): ByteString | undefined {
  if (layout.quotaDatabase !== 'quotalegacy')
    return withDatabase(layout.quotaPath, (db) => db.get(root), { order });
  return quotaLegacy({
    directory: layout.quotaPath,
    virtdomains: layout.virtdomains !== 'off',
    fulldirhash: layout.fulldirhash,
  }).get(root);
}
