import type { ByteString } from '../../byte-string.ts';
import type { DlistMap, DlistValue } from '../../protocol/dlist/value.ts';
import { badParameters, ServerDeath } from './refusal.ts';

/** Typed reading of DLIST fields, as the server does it: on demand, by the field's name (protocol 7.3). */

/** Octets of one literal that a patched server takes (protocol 7.2). */
const MAX_LITERAL_OCTETS = 128 * 1024;
const MAX_NUM32 = 0xffff_ffff;
const DIGITS = /^\d{1,16}$/;
const GUID = /^[0-9a-fA-F]{40}$/;

export function mapOf(value: DlistValue): DlistMap {
  if (value instanceof Map) return value;
  throw badParameters('expected a kvlist');
}

export function listOf(value: DlistValue): DlistValue[] {
  if (Array.isArray(value)) return value;
  throw badParameters('expected a list');
}

export function atomOf(value: DlistValue | undefined, what: string): ByteString {
  if (typeof value !== 'string') throw badParameters(`expected an atom for ${what}`);
  if (value.length > MAX_LITERAL_OCTETS) {
    const text = '* Fatal error: [TOOBIG] Literal size exceeds fixed limit';
    throw new ServerDeath(`${what} has ${value.length} octets`, text);
  }
  return value;
}

export function guidOf(value: DlistValue | undefined, what: string): string {
  if (typeof value !== 'string' || !GUID.test(value)) throw badParameters(`expected a GUID for ${what}`);
  return value.toLowerCase();
}

export function numberOf(
  value: DlistValue | undefined,
  what: string,
  most = Number.MAX_SAFE_INTEGER,
): number {
  const number = typeof value === 'string' && DIGITS.test(value) ? Number(value) : Number.NaN;
  if (!(number <= most)) throw badParameters(`expected a number for ${what}`);
  return number;
}

export function atom(map: DlistMap, key: string): ByteString {
  return atomOf(map.get(key), key);
}

export function list(map: DlistMap, key: string): DlistValue[] {
  const value = map.get(key);
  if (!Array.isArray(value)) throw badParameters(`expected a list for ${key}`);
  return value;
}

export function num32(map: DlistMap, key: string): number {
  return numberOf(map.get(key), key, MAX_NUM32);
}

/** A modseq or a date. */
export function num64(map: DlistMap, key: string): number {
  return numberOf(map.get(key), key);
}

/** The field, or `fallback` when it is absent or NIL. */
export function optional<T>(
  map: DlistMap,
  key: string,
  read: (map: DlistMap, key: string) => T,
  fallback: T,
): T {
  const value = map.get(key);
  return value === undefined || value === null ? fallback : read(map, key);
}
