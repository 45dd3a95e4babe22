import { type ByteString, compareBytes } from '../../byte-string.ts';

/** Order of the keys in one database file; negative, 0 or positive. */
export type KeyComparator = (a: ByteString, b: ByteString) => number;

/** twoskip and flat. */
export const compareUnsigned: KeyComparator = compareBytes;

/**
 * skiplist: octets compare as C's signed char, so that 0x80..0xFF sort before 0x00..0x7F; the shorter key first
 * (store 2.2).
 */
export const compareSigned: KeyComparator = (a, b) => compareMapped(a, b, signedOctet);

/**
 * Databases of Cyrus up to 3.4 with `improved_mboxlist_sort`: `.` sorts lowest of all, so that a mailbox's children
 * follow it directly (store 2.1).
 */
export const compareMailboxOrder: KeyComparator = (a, b) => compareMapped(a, b, mailboxOctet);

function compareMapped(a: ByteString, b: ByteString, weight: (octet: number) => number): number {
  const shared = Math.min(a.length, b.length);
  for (let i = 0; i < shared; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x !== y) return weight(x) - weight(y);
  }
  return a.length - b.length;
}

const DOT = 0x2e;

function signedOctet(octet: number): number {
  return octet < 0x80 ? octet : octet - 0x100;
}

function mailboxOctet(octet: number): number {
  return octet === DOT ? -1 : octet;
}
