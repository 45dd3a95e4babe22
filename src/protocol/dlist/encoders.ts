import type { ByteString } from '../../byte-string.ts';
import { FLAG, type Grammar, GUID, matches } from '../../grammar.ts';
import { SyncError } from '../../report/sync-error.ts';
import { DlistFile, type DlistValue } from './value.ts';

/**
 * DLIST as Cyrus prints it, octet for octet (protocol 7), ready to be written as latin1.
 *
 * Nothing handed in here can become more than one value on the wire: strings are quoted or sent as literals where they
 * need it, and what goes out bare (numbers, GUIDs, flags) is checked and refused as our bug. The type keeps text that
 * was not encoded out of lists and maps.
 */
export type Encoded = ByteString & { readonly [encodedMark]: true };
declare const encodedMark: unique symbol;

/** For text put together of encoded parts and punctuation alone. */
export function asEncoded(text: ByteString): Encoded {
  return text as Encoded;
}

/** Above this many octets Cyrus prints a literal whatever is inside (protocol 7.1). */
const LONGEST_PLAIN_OCTETS = 1023;

/** An octet that rules out a bare atom; 0x1F and `} [ ] ' , + &` do not. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: the rule is about control characters
const NOT_ATOM = /[^\x1f!#$&'+-[\]-z|}~]/;

/** An octet that rules out quoting. NUL occurs in binary values only, which Cyrus then prints as literals. */
const NOT_QUOTABLE = /["%\\\r\n\0\x80-\uffff]/;

const NOT_AN_OCTET = /[\u0100-\uffff]/;

/** Atom, quoted string, non-synchronising literal, `""` or `NIL`, by the string rule (protocol 7.1). */
export function encodeString(value: ByteString | null): Encoded {
  if (value === null) return asEncoded('NIL');
  if (value.length <= LONGEST_PLAIN_OCTETS) {
    if (value === '') return asEncoded('""');
    if (!NOT_ATOM.test(value)) return asEncoded(value === 'NIL' ? '"NIL"' : value);
    if (!NOT_QUOTABLE.test(value)) return asEncoded(`"${value}"`);
  }
  if (NOT_AN_OCTET.test(value)) {
    throw new SyncError(
      'BUG',
      `a string of octets holds a wider character: ${JSON.stringify(value.slice(0, 80))}`,
    );
  }
  return asEncoded(`{${value.length}+}\r\n${value}`);
}

/** Decimal digits, no sign. @throws SyncError BUG for what the wire cannot carry */
export function encodeNumber(value: number): Encoded {
  if (!Number.isSafeInteger(value) || value < 0) {
    throw new SyncError('BUG', `expected a number from 0 to 2^53-1 for the wire, found ${value}`);
  }
  return asEncoded(String(value));
}

/** Goes bare. @throws SyncError BUG */
export function encodeGuid(guid: string): Encoded {
  return bare(GUID, guid);
}

/** @throws SyncError BUG for what is no flag */
function encodeFlag(flag: ByteString): Encoded {
  // Bare it would be read as "no value", which ends the server's process.
  return flag === 'NIL' ? asEncoded('"NIL"') : bare(FLAG, flag);
}

function bare(grammar: Grammar, value: ByteString): Encoded {
  if (matches(grammar, value)) return asEncoded(value);
  throw new SyncError(
    'BUG',
    `expected ${grammar.what} for the wire, found ${JSON.stringify(value.slice(0, 80))}`,
  );
}

export function encodeList(items: readonly Encoded[]): Encoded {
  return asEncoded(`(${items.join(' ')})`);
}

export function encodeStrings(values: readonly ByteString[]): Encoded {
  let text = '(';
  for (let i = 0; i < values.length; i++) {
    if (i > 0) text += ' ';
    text += encodeString(values[i] ?? null);
  }
  return asEncoded(`${text})`);
}

/** Flags go bare (protocol 7.4), but for the one that is special there. @throws SyncError BUG for what is no flag */
export function encodeFlags(flags: readonly ByteString[]): Encoded {
  let text = '(';
  for (let i = 0; i < flags.length; i++) {
    if (i > 0) text += ' ';
    text += encodeFlag(flags[i] ?? '');
  }
  return asEncoded(`${text})`);
}

/** A key and its encoded value; `undefined` leaves the field out. */
export type EncodedField = readonly [key: ByteString, encoded: Encoded | undefined];

export function encodeKvlist(fields: readonly EncodedField[]): Encoded {
  let text = '';
  for (const [key, encoded] of fields) {
    if (encoded === undefined) continue;
    const name = encodeString(key);
    text += text === '' ? `${name} ${encoded}` : ` ${name} ${encoded}`;
  }
  return asEncoded(`%(${text})`);
}

/** The head before a file's octets, line end included: `file` of the grammar (protocol 7). */
export function encodeFileHead(partition: ByteString, guid: ByteString, size: number): Encoded {
  return asEncoded(`%{${encodeString(partition)} ${encodeGuid(guid)} ${encodeNumber(size)}}\r\n`);
}

/** Any value as a whole. Flags cannot be told from strings here: lists of them need `encodeFlags`. */
export function encodeValue(value: DlistValue): Encoded {
  if (value === null || typeof value === 'string') return encodeString(value);
  if (Array.isArray(value)) return encodeList(value.map(encodeValue));
  if (value instanceof DlistFile) {
    const content = value.content ?? Buffer.alloc(0);
    const head = encodeFileHead(value.partition, value.guid, content.length);
    return asEncoded(head + content.toString('latin1'));
  }
  return encodeKvlist([...value].map(([key, item]) => [key, encodeValue(item)]));
}
