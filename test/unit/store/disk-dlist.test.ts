import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import {
  DiskDlistError,
  DiskMap,
  type DiskValue,
  parseDiskDlist,
} from '../../../src/store/files/parse-disk-dlist.ts';

function print(value: DiskValue): string {
  if (value === null) return 'NIL';
  if (value instanceof DiskMap)
    return `%(${value.pairs.map(([key, item]) => `${print(key)} ${print(item)}`).join(' ')})`;
  if (Array.isArray(value)) return `(${value.map(print).join(' ')})`;
  if (value !== '' && value !== 'NIL' && /^[!#$&'+-[\]-z|}~]+$/.test(value) && !/[{%*"\\]/.test(value))
    return value;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: what Cyrus quotes is decided by octets
  if (/^[\x01-\x7f]*$/.test(value) && !/[\r\n"%\\]/.test(value)) return `"${value}"`;
  return `{${value.length}}\r\n${value}`;
}

const octets = fc.string({ unit: fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code)) });
const { value } = fc.letrec<{ value: DiskValue; list: DiskValue; map: DiskValue }>((tie) => ({
  value: fc.oneof({ maxDepth: 3 }, octets, fc.constant(null), tie('list'), tie('map')),
  list: fc.array(tie('value'), { maxLength: 4 }),
  map: fc.array(fc.tuple(octets, tie('value')), { maxLength: 4 }).map((pairs) => new DiskMap(pairs)),
}));

test('whatever Cyrus may write is read back', () => {
  fc.assert(fc.property(value, (written) => assert.deepEqual(parseDiskDlist(print(written)), written)));
});

test('a backslash quotes any octet, and closing parentheses end an atom', () => {
  assert.deepEqual(parseDiskDlist('(a (b c) "d\\"\\\\e" ())'), ['a', ['b', 'c'], 'd"\\e', []]);
  assert.deepEqual(parseDiskDlist('(user\x1falice)\n'), ['user\x1falice']);
});

test('text that is cut off or goes on is refused', () => {
  for (const text of ['(a', '%(a', '"a', '(a) b', '{5}\r\nab', '{x}\r\nab', '(a  b)', '%(a )', '']) {
    assert.throws(() => parseDiskDlist(text), DiskDlistError, text);
  }
});

test('nesting has a limit', () => {
  assert.throws(() => parseDiskDlist(`${'('.repeat(1000)}a${')'.repeat(1000)}`), DiskDlistError);
});
