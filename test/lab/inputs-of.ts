import fc from 'fast-check';
import type { FuzzTarget } from './fuzz-target.ts';

const MOST_EDITS = 6;

type Edit = (octets: Buffer) => Buffer;

const PLACES = 2 ** 30;
/**
 * Places are given as parts of the whole, so that they keep their meaning while the input is shrunk. Each is as likely as any
 * other; `fc.double` draws among all numbers that there are, of which nearly all below 1 are next to 0.
 */
const place = fc.nat({ max: PLACES }).map((number) => number / PLACES);
const NUMBERS = [
  0n,
  1n,
  2n,
  0x7fn,
  0xffn,
  0x7fffn,
  0xffffn,
  0x7fffffffn,
  0x80000000n,
  0xffffffffn,
  0x100000000n,
].concat([(1n << 53n) - 1n, 1n << 53n, (1n << 63n) - 1n, 1n << 63n, (1n << 64n) - 1n]);
const WORDS = [
  '\0',
  '\r\n',
  '\n',
  ' ',
  '\t',
  '(',
  ')',
  '%(',
  '{3}\r\n',
  '{4294967296}\r\n',
  '"',
  '\\',
  'NIL',
  '-1',
  '\xff',
].concat(['18446744073709551615', '9007199254740993', '../..', '__proto__', 'constructor', 'x'.repeat(3000)]);

/** Inputs that are made of those that a target takes, by up to six changes. */
export function inputsOf({ seeds, words = [], mend }: FuzzTarget): fc.Arbitrary<Buffer> {
  const all = seeds.map((seed) => (typeof seed === 'string' ? Buffer.from(seed, 'latin1') : seed));
  return fc
    .tuple(fc.constantFrom(...all), fc.array(edits(all, [...WORDS, ...words]), { maxLength: MOST_EDITS }))
    .map(([seed, changes]) => {
      const octets = changes.reduce<Buffer>((before, change) => change(before), Buffer.from(seed));
      mend?.(octets);
      return octets;
    });
}

function edits(seeds: readonly Buffer[], words: readonly string[]): fc.Arbitrary<Edit> {
  const word = fc.constantFrom(...words).map((text) => Buffer.from(text, 'latin1'));
  const other = fc
    .tuple(fc.constantFrom(...seeds), place, place)
    .map(([seed, from, to]) => between(seed, from, to));
  const piece: fc.Arbitrary<Buffer> = fc.oneof(
    word,
    word,
    other,
    fc.uint8Array({ maxLength: 9 }).map((some): Buffer => Buffer.from(some)),
  );
  return fc.oneof<fc.Arbitrary<Edit>[]>(
    // One bit.
    fc.tuple(place, fc.nat({ max: 7 })).map(
      ([at, bit]): Edit =>
        (octets) => {
          const index = Math.floor(at * (octets.length - 1));
          if (octets.length > 0) octets[index] = (octets[index] ?? 0) ^ (1 << bit);
          return octets;
        },
    ),
    // One octet.
    fc.tuple(place, fc.nat({ max: 255 })).map(
      ([at, octet]): Edit =>
        (octets) => {
          if (octets.length > 0) octets[Math.floor(at * (octets.length - 1))] = octet;
          return octets;
        },
    ),
    // A number of some width where one may be.
    fc.tuple(place, fc.constantFrom(...NUMBERS), fc.constantFrom(1, 2, 4, 8)).map(
      ([at, number, width]): Edit =>
        (octets) => {
          const index = Math.floor((at * octets.length) / width) * width;
          if (index + width > octets.length) return octets;
          const bytes = Buffer.alloc(8);
          bytes.writeBigUInt64BE(number);
          bytes.copy(octets, index, 8 - width);
          return octets;
        },
    ),
    // Cut off.
    place.map(
      (at): Edit =>
        (octets) =>
          octets.subarray(0, Math.floor(at * octets.length)),
    ),
    // A piece in the place of what is between two places: put in, taken out, exchanged.
    fc
      .tuple(
        place,
        place.map((part) => part / 10),
        piece,
      )
      .map(
        ([at, length, text]): Edit =>
          (octets) => {
            const from = Math.min(Math.floor(at * (octets.length + 1)), octets.length);
            const to = from + Math.floor(length * octets.length);
            return Buffer.concat([octets.subarray(0, from), text, octets.subarray(to)]);
          },
      ),
    // Twice.
    fc.tuple(place, place).map(
      ([from, to]): Edit =>
        (octets) => {
          const part = between(octets, from, to);
          return part.length > 64 * 1024
            ? octets
            : Buffer.concat([
                octets.subarray(0, from * octets.length),
                part,
                octets.subarray(from * octets.length),
              ]);
        },
    ),
    // A word or a number of a text by another.
    fc.tuple(place, word).map(
      ([at, text]): Edit =>
        (octets) => {
          const found = [...octets.toString('latin1').matchAll(/[A-Za-z0-9_.]+/g)];
          const token = found[Math.floor(at * (found.length - 1))];
          if (token === undefined) return octets;
          const end = token.index + token[0].length;
          return Buffer.concat([octets.subarray(0, token.index), text, octets.subarray(end)]);
        },
    ),
  );
}

function between(octets: Buffer, a: number, b: number): Buffer {
  const [from, to] = a < b ? [a, b] : [b, a];
  return octets.subarray(Math.floor(from * octets.length), Math.floor(to * octets.length));
}
