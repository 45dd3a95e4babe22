import type { ByteString } from '../../byte-string.ts';

const FULL_HASH_LETTERS = 23;
const LETTER_A = 0x41;

/**
 * The one-letter directory that Cyrus files a name under (store 4).
 *
 * @param full the `fulldirhash` option: A..W over the name up to its first dot; otherwise the first letter, or `q`
 */
export function directoryHash(name: ByteString, full: boolean): string {
  if (!full) {
    const first = name.slice(0, 1).toLowerCase();
    return first >= 'a' && first <= 'z' ? first : 'q';
  }
  let hash = 0;
  for (let i = 0; i < name.length && name[i] !== '.'; i++) {
    hash = ((hash << 3) ^ (hash >>> 5) ^ name.charCodeAt(i)) >>> 0;
  }
  return String.fromCharCode(LETTER_A + (hash % FULL_HASH_LETTERS));
}
