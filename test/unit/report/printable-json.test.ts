import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { printableJson } from '../../../src/report/printable-json.ts';

test('a document steers no terminal, and whoever parses it gets the same', () => {
  const steering = [
    '\u009b31m',
    '\u202e',
    '\u2066x\u2069',
    '\u2028',
    '\x7f',
    '\u200f',
    '\u{e0041}',
    '\ufeff',
  ];
  const value = fc.jsonValue();
  const texts = fc.array(fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom(...steering)));
  fc.assert(
    fc.property(value, texts, fc.constantFrom(0, 1), (any, some, indent) => {
      const document = { any, names: Object.fromEntries(some.map((text) => [text, text])), some };
      const json = printableJson(document, indent);
      assert.doesNotMatch(json.replaceAll('\n', ''), /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u);
      assert.deepEqual(JSON.parse(json), JSON.parse(JSON.stringify(document)));
    }),
  );
  assert.equal(
    printableJson(['a\u009bb\u202e\u{e0041}', 'Müller']),
    '["a\\u009bb\\u202e\\udb40\\udc41","Müller"]',
  );
});
