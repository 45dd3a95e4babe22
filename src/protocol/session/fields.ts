import type { ByteString } from '../../byte-string.ts';
import { type Grammar, matches } from '../../grammar.ts';
import { nameInText } from '../../report/name-in-text.ts';
import { SyncError } from '../../report/sync-error.ts';
import type { DlistMap, DlistValue } from '../dlist/value.ts';
import type { Range } from './ranges.ts';

/**
 * Fields of a kvlist as the types they should have, each by its own grammar or range: a peer's octets come no further
 * in than this unless they are what they claim to be. What is missing or something else is an answer that we cannot use;
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
export function requireString(map: DlistMap, key: ByteString, grammar: Grammar): ByteString {
  const value = map.get(key);
  if (value === null) return '';
  if (typeof value !== 'string') throw unusable(`${key} as a string`, value);
  if (value !== '' && !matches(grammar, value)) throw unusable(`${key} as ${grammar.what}`, value);
  return value;
}

/** Does what `requireString` does, and refuses an empty string. */
export function requireName(map: DlistMap, key: ByteString, grammar: Grammar): ByteString {
  const value = requireString(map, key, grammar);
  if (value === '') throw unusable(`${key} as ${grammar.what}`, map.get(key));
  return value;
}

export function optionalString(map: DlistMap, key: ByteString, grammar: Grammar): ByteString | undefined {
  return typeof map.get(key) === 'string' ? requireString(map, key, grammar) : undefined;
}

/** Text of any octets: the value of an annotation, the content of a script. */
export function requireText(map: DlistMap, key: ByteString): ByteString {
  const value = map.get(key);
  if (value === null) return '';
  if (typeof value === 'string') return value;
  throw unusable(`${key} as a string`, value);
}

export function requireNumber(map: DlistMap, key: ByteString, range: Range): number {
  const value = map.get(key);
  if (value === undefined) throw unusable(`${key} as a number`, value);
  return toNumber(key, value, range);
}

/** 0 when not given. */
export function optionalNumber(map: DlistMap, key: ByteString, range: Range): number {
  const value = map.get(key);
  return value === undefined || value === null ? 0 : toNumber(key, value, range);
}

/** A list of strings has no place for "no value": servers print a flag of that name bare, so that it looks like it. */
export function stringItems(list: readonly DlistValue[], what: string, grammar: Grammar): ByteString[] {
  return list.map((item) => {
    const text = item === null ? 'NIL' : item;
    if (typeof text !== 'string') throw unusable(`strings in ${what}`, item);
    if (!matches(grammar, text)) throw unusable(`${grammar.what} in ${what}`, item);
    return text;
  });
}

function toNumber(key: ByteString, value: DlistValue, { least, most }: Range): number {
  const number = typeof value === 'string' && /^\d{1,16}$/.test(value) ? Number(value) : Number.NaN;
  if (number >= least && number <= most) return number;
  throw unusable(`${key} as a number from ${least} to ${most}`, value);
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

/** Something of somebody else: taken for what was asked for, it would be changed or removed as such. */
export function unasked(what: string, found: ByteString): SyncError {
  return notAskedFor(`${what} ${show(found)}`);
}

/** @param what that is called by the name of a mailbox */
export function unaskedOfMailbox(what: string, name: ByteString): SyncError {
  return notAskedFor(`${what} "${nameInText(name.slice(0, SHOWN_OCTETS))}"`);
}

function notAskedFor(what: string): SyncError {
  return new SyncError(
    'IMAP_PROTOCOL_ERROR',
    `the replica's answer names ${what}, which it was not asked for`,
    {
      family: 'refused',
      hint: 'No Cyrus server answers so: make sure that the server is the replica that you mean, and nobody is in between',
    },
  );
}

/** Octets of a value that a message repeats. */
const SHOWN_OCTETS = 80;

function show(found: DlistValue | undefined): string {
  if (found === undefined) return 'nothing';
  if (found === null) return 'NIL';
  if (typeof found === 'string') return JSON.stringify(found.slice(0, SHOWN_OCTETS));
  return Array.isArray(found) ? 'a list' : found instanceof Map ? 'a kvlist' : 'a file';
}
