import type { ByteString } from '../byte-string.ts';

const FULL_HASH_BUCKETS = 23;

/** The one-letter directory that a name hashes to (store section 4, `H`). */
export function directoryHash(name: ByteString, full: boolean): string {
  return full ? fullHash(name) : firstLetter(name);
}

function firstLetter(name: ByteString): string {
  const letter = name.charAt(0).toLowerCase();
  return /^[a-z]$/.test(letter) ? letter : 'q';
}

/** Stops at the first dot: that is how all mailboxes of a user used to land in one bucket. */
function fullHash(name: ByteString): string {
  let hash = 0;
  for (let i = 0; i < name.length && name[i] !== '.'; i++) {
    hash = (((hash << 3) ^ (hash >>> 5)) ^ name.charCodeAt(i)) >>> 0;
  }
  return String.fromCharCode('A'.charCodeAt(0) + (hash % FULL_HASH_BUCKETS));
}
