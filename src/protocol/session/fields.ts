import type { ByteString } from '../../byte-string.ts';
import { SyncError } from '../../report/sync-error.ts';
import type { DlistMap, DlistValue } from '../dlist/value.ts';

/**
 * Fields of a kvlist as the types they should have. What is missing or of another type is an answer that we cannot use;
 * the stream itself is still in step.
 */
export function requireMap(value: DlistValue | undefined, what: string): DlistMap {
  if (value instanceof Map) return value;
  throw unusable(`${what} as %(...)`, value);
}

export function requireList(value: DlistValue | undefined, what: string): DlistValue[] {
  if (Array.isArray(value)) return value;
  throw unusable(`${what} as (...)`, value);
}

/** NIL counts as given and empty: servers print it for an intermediate mailbox's partition and ACL. */
export function requireString(map: DlistMap, key: ByteString): ByteString {
  const value = map.get(key);
  if (typeof value === 'string') return value;
  if (value === null) return '';
  throw unusable(`${key} as a string`, value);
}

export function optionalString(map: DlistMap, key: ByteString): ByteString | undefined {
  const value = map.get(key);
  return typeof value === 'string' ? value : undefined;
}

export function requireNumber(map: DlistMap, key: ByteString): number {
  const value = map.get(key);
  if (value === undefined) throw unusable(`${key} as a number`, value);
  return toNumber(key, value);
}

/** 0 when not given. */
export function optionalNumber(map: DlistMap, key: ByteString): number {
  const value = map.get(key);
  return value === undefined || value === null ? 0 : toNumber(key, value);
}

export function stringItems(list: readonly DlistValue[], what: string): ByteString[] {
  return list.map((item) => {
    if (typeof item === 'string') return item;
    throw unusable(`strings in ${what}`, item);
  });
}

function toNumber(key: ByteString, value: DlistValue): number {
  const number = typeof value === 'string' && /^\d{1,16}$/.test(value) ? Number(value) : Number.NaN;
  if (Number.isSafeInteger(number)) return number;
  throw unusable(`${key} as a number below 2^53`, value);
}

export function unusable(expected: string, found: DlistValue | undefined): SyncError {
  return new SyncError(
    'IMAP_PROTOCOL_ERROR',
    `expected ${expected} in the replica's answer, found ${show(found)}`,
    {
      family: 'refused',
      hint: "The replica's version may be too new or too old for this one: please report its version and this line",
    },
  );
}

function show(found: DlistValue | undefined): string {
  if (found === undefined) return 'nothing';
  if (found === null) return 'NIL';
  if (typeof found === 'string') return JSON.stringify(found.slice(0, 80));
  return Array.isArray(found) ? 'a list' : found instanceof Map ? 'a kvlist' : 'a file';
}
