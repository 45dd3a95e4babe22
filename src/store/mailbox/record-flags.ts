import type { ByteString } from '../../byte-string.ts';
import { FLAG, matches } from '../../grammar.ts';

/** Bits of the one word that holds system flags (low half) and internal flags (high half) (store 6.3). */
export const FLAG_ANSWERED = 1 << 0;
export const FLAG_FLAGGED = 1 << 1;
export const FLAG_DELETED = 1 << 2;
export const FLAG_DRAFT = 1 << 3;
export const FLAG_SEEN = 1 << 4;
export const FLAG_ARCHIVED = 1 << 29;
/** The message file is gone. */
export const FLAG_UNLINKED = 1 << 30;
export const FLAG_EXPUNGED = 1 << 31;

const WIRE_ORDER: readonly (readonly [bit: number, flag: ByteString])[] = [
  [FLAG_DELETED, '\\Deleted'],
  [FLAG_ANSWERED, '\\Answered'],
  [FLAG_FLAGGED, '\\Flagged'],
  [FLAG_DRAFT, '\\Draft'],
  [FLAG_EXPUNGED, '\\Expunged'],
  [FLAG_SEEN, '\\Seen'],
];

const USER_FLAG_WORDS = 4;
const BITS_PER_WORD = 32;

/**
 * Lists all flags of a record in wire order.
 *
 * @param at where the four words of user flag bits begin
 * @param names by slot; a bit whose slot has no name is passed over, as Cyrus does
 */
export function wireFlags(
  system: number,
  octets: Buffer,
  at: number,
  names: readonly (ByteString | null)[],
): ByteString[] {
  const flags: ByteString[] = [];
  for (const [bit, flag] of WIRE_ORDER) {
    if (system & bit) flags.push(flag);
  }
  for (let word = 0; word < USER_FLAG_WORDS; word++) {
    const bits = octets.readUInt32BE(at + word * 4);
    if (bits === 0) continue;
    for (let bit = 0; bit < BITS_PER_WORD; bit++) {
      const name = (bits >>> bit) & 1 ? names[word * BITS_PER_WORD + bit] : null;
      if (name !== null && name !== undefined) flags.push(name);
    }
  }
  return flags;
}

const NONE: ReadonlySet<ByteString> = new Set();

/** Names of user flags that are none: reconstruct takes them out of the header, and no server takes them in. */
export function unusableFlags(names: readonly (ByteString | null)[]): ReadonlySet<ByteString> {
  const unusable = names.filter((name) => name !== null && !isUsable(name));
  return unusable.length === 0 ? NONE : new Set(unusable as ByteString[]);
}

/** Names of user flags that a server takes in, by slot. */
export function usableFlags(names: readonly (ByteString | null)[]): ByteString[] {
  return names.filter((name) => name !== null && isUsable(name)) as ByteString[];
}

function isUsable(name: ByteString): boolean {
  return !name.startsWith('\\') && matches(FLAG, name);
}
