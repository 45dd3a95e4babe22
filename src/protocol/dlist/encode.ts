import type { ByteString } from '../../byte-string.ts';
import { SyncError } from '../../report/sync-error.ts';
import { DlistFile, type DlistValue } from './value.ts';

/**
 * DLIST as Cyrus prints it, octet for octet (protocol section 7). Everything returned is a ByteString, ready to be
 * written as latin1. Functions that take `encoded` text join it as it is.
 */

/** Above this many octets Cyrus prints a literal whatever is inside (protocol 7.1). */
const LONGEST_PLAIN_OCTETS = 1023;

/** An octet that rules out a bare atom; 0x1F and `} [ ] ' , + &` do not. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: the rule is about control characters
const NOT_ATOM = /[^\x1f!#$&'+-[\]-z|}~]/;

/** An octet that rules out quoting. NUL occurs in binary values only, which Cyrus then prints as literals. */
const NOT_QUOTABLE = /["%\\\r\n\0\x80-\uffff]/;

const NOT_AN_OCTET = /[\u0100-\uffff]/;

/** Atom, quoted string, non-synchronising literal, `""` or `NIL`, by the string rule (protocol 7.1). */
export function encodeString(value: ByteString | null): ByteString {
  if (value === null) return 'NIL';
  if (value.length <= LONGEST_PLAIN_OCTETS) {
    if (value === '') return '""';
    if (!NOT_ATOM.test(value)) return value === 'NIL' ? '"NIL"' : value;
    if (!NOT_QUOTABLE.test(value)) return `"${value}"`;
  }
  if (NOT_AN_OCTET.test(value)) {
    throw new SyncError(
      'BUG',
      `a string of octets holds a wider character: ${JSON.stringify(value.slice(0, 80))}`,
    );
  }
  return `{${value.length}+}\r\n${value}`;
}

/** Decimal digits, no sign. @throws SyncError BUG for what the wire cannot carry */
export function encodeNumber(value: number): ByteString {
  if (!Number.isSafeInteger(value) || value < 0) {
    throw new SyncError('BUG', `expected a number from 0 to 2^53-1 for the wire, found ${value}`);
  }
  return String(value);
}

/** Items that are encoded already. */
export function encodeList(encoded: readonly ByteString[]): ByteString {
  return `(${encoded.join(' ')})`;
}

export function encodeStrings(values: readonly ByteString[]): ByteString {
  let text = '(';
  for (let i = 0; i < values.length; i++) {
    if (i > 0) text += ' ';
    text += encodeString(values[i] ?? null);
  }
  return `${text})`;
}

/** Flags go raw, never quoted (protocol 7.4). */
export function encodeFlags(flags: readonly ByteString[]): ByteString {
  return flags.length === 0 ? '()' : `(${flags.join(' ')})`;
}

/** A key and its encoded value; `undefined` leaves the field out. */
export type EncodedField = readonly [key: ByteString, encoded: ByteString | undefined];

export function encodeKvlist(fields: readonly EncodedField[]): ByteString {
  let text = '';
  for (const [key, encoded] of fields) {
    if (encoded === undefined) continue;
    text += text === '' ? `${key} ${encoded}` : ` ${key} ${encoded}`;
  }
  return `%(${text})`;
}

/** What comes before a file's octets, line end included (protocol section 7, `file`). */
export function encodeFileHead(partition: ByteString, guid: ByteString, size: number): ByteString {
  return `%{${encodeString(partition)} ${guid} ${size}}\r\n`;
}

/** Any value as a whole. Flags cannot be told from strings here: lists of them need `encodeFlags`. */
export function encodeValue(value: DlistValue): ByteString {
  if (value === null || typeof value === 'string') return encodeString(value);
  if (Array.isArray(value)) return encodeList(value.map(encodeValue));
  if (value instanceof DlistFile) {
    const content = value.content ?? Buffer.alloc(0);
    return encodeFileHead(value.partition, value.guid, content.length) + content.toString('latin1');
  }
  return encodeKvlist([...value].map(([key, item]) => [encodeString(key), encodeValue(item)]));
}
