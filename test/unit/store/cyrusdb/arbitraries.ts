import fc from 'fast-check';
import type { ByteString } from '../../../../src/byte-string.ts';

/** Any octets. */
export function octets(constraints: fc.ArrayConstraints): fc.Arbitrary<ByteString> {
  return fc
    .array(fc.integer({ min: 0, max: 255 }), constraints)
    .map((codes) => String.fromCharCode(...codes));
}

/** Keys that share prefixes and differ in their last octet, or are anything. */
export const key: fc.Arbitrary<ByteString> = fc.oneof(
  fc
    .tuple(fc.constantFrom('user.', 'user.a', 'N', ''), octets({ minLength: 1, maxLength: 3 }))
    .map(([a, b]) => a + b),
  octets({ minLength: 1, maxLength: 20 }),
);

/** Seldom longer than a cache block, which a record may straddle. */
export const value: fc.Arbitrary<ByteString> = fc.oneof(
  { weight: 9, arbitrary: octets({ maxLength: 60 }) },
  {
    weight: 2,
    arbitrary: fc
      .tuple(octets({ maxLength: 9 }), fc.integer({ min: 0, max: 20_000 }))
      .map(([a, n]) => a + 'v'.repeat(n)),
  },
);

export const rows: fc.Arbitrary<[ByteString, ByteString][]> = fc.uniqueArray(fc.tuple(key, value), {
  selector: ([k]) => k,
  maxLength: 60,
});
