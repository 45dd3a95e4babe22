import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import {
  enumWord,
  parseByteSize,
  parseDuration,
  parseInteger,
  parseSwitch,
  wordsOf,
} from '../../../src/config/values.ts';

test('a switch is read by its first letters and in lower case only', () => {
  for (const yes of ['1', 'y', 'yes', 'on', 't', 'true', 'yonder', '10', 'once'])
    assert.equal(parseSwitch(yes), true, yes);
  for (const no of ['0', 'n', 'no', 'off', 'f', 'false', 'of', 'nothing', '01'])
    assert.equal(parseSwitch(no), false, no);
  for (const neither of ['Yes', 'NO', 'o', '2', 'ja', '', 'oops', 'True']) {
    assert.equal(parseSwitch(neither), undefined, neither);
  }
});

test('an integer follows strtol with base 0, and nothing may trail', () => {
  assert.equal(parseInteger('8192'), 8192);
  assert.equal(parseInteger('0x10'), 16);
  assert.equal(parseInteger('010'), 8);
  assert.equal(parseInteger('-5'), -5);
  assert.equal(parseInteger('+7'), 7);
  assert.ok(Object.is(parseInteger('-0'), 0));
  for (const bad of ['8k', '1.5', '09', '0x', '', '-', '1 2', '1e3'])
    assert.equal(parseInteger(bad), undefined, bad);
});

test('an integer that Cyrus cannot hold in 32 bits is refused rather than wrapped', () => {
  assert.equal(parseInteger('2147483647'), 2147483647);
  assert.equal(parseInteger('-2147483648'), -2147483648);
  assert.equal(parseInteger('2147483648'), undefined);
});

test('a duration sums its parts, and trailing digits take the default unit', () => {
  assert.equal(parseDuration('90'), 90);
  assert.equal(parseDuration('20m'), 1200);
  assert.equal(parseDuration('1d12h'), 129_600);
  assert.equal(parseDuration('1h30', 'm'), 5400);
  assert.equal(parseDuration('7', 'd'), 604_800);
  assert.equal(parseDuration('-1h'), -3600);
  assert.ok(Object.is(parseDuration('-0'), 0));
  for (const bad of ['', '-', 'h', '1w', '1 h', '1h ', '5mm', '--1', '1H', '1h-3m', '25000d']) {
    assert.equal(parseDuration(bad), undefined, bad);
  }
});

test('a size takes binary multiples in any case, with an optional i and B', () => {
  for (const [text, octets] of [
    ['8192', 8192],
    ['64K', 65_536],
    ['64 k', 65_536],
    ['1MiB', 1_048_576],
    ['1 mb', 1_048_576],
    ['2G', 2_147_483_648],
    ['5B', 5],
    ['-1', -1],
  ] as const) {
    assert.equal(parseByteSize(text), octets, text);
  }
  assert.equal(parseByteSize('2', 'K'), 2048);
  for (const bad of ['', 'K', '1T', '1KK', '1iB', '1.5M', '1 K x', '99999999999999999999'])
    assert.equal(parseByteSize(bad), undefined, bad);
});

test('every duration made of units is the sum of its parts', () => {
  const part = fc.tuple(fc.nat({ max: 500 }), fc.constantFrom(...(['d', 'h', 'm', 's'] as const)));
  const seconds = { d: 86_400, h: 3_600, m: 60, s: 1 };
  fc.assert(
    fc.property(fc.array(part, { minLength: 1, maxLength: 5 }), (parts) => {
      const text = parts.map(([count, unit]) => `${count}${unit}`).join('');
      const sum = parts.reduce((total, [count, unit]) => total + count * seconds[unit], 0);
      assert.equal(parseDuration(text), sum);
    }),
  );
});

test('every 32-bit integer is read back in all three bases', () => {
  fc.assert(
    fc.property(fc.integer(), (number) => {
      const sign = number < 0 ? '-' : '';
      const magnitude = Math.abs(number);
      assert.equal(parseInteger(String(number)), number);
      assert.equal(parseInteger(`${sign}0x${magnitude.toString(16)}`), number);
      assert.equal(parseInteger(`${sign}0${magnitude.toString(8)}`), number);
    }),
  );
});

test('words are split at blanks of C only, so that octet 0xA0 of a UTF-8 name stays inside its word', () => {
  assert.deepEqual(wordsOf('  a\tb  c\u00c3\u00a0d '), ['a', 'b', 'c\u00c3\u00a0d']);
});

test('the spellings of on and off in an ENUM are exact', () => {
  assert.deepEqual(['1', 'yes', 't', 'true'].map(enumWord), ['on', 'on', 'on', 'on']);
  assert.deepEqual(['0', 'no', 'f', 'false'].map(enumWord), ['off', 'off', 'off', 'off']);
  assert.deepEqual(['userid', 'y', 'Yes'].map(enumWord), ['userid', 'y', 'Yes']);
});
