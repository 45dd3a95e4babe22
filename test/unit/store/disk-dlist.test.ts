import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import {
  DiskDlistError,
  DiskMap,
  type DiskValue,
  parseDiskDlist,
  parseDiskMap,
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

test('nesting is taken as deep as any real value, and twice that', () => {
  const nested = (depth: number): string => `${'('.repeat(depth)}a${')'.repeat(depth)}`;
  assert.equal(JSON.stringify(parseDiskDlist(nested(8))), `${'['.repeat(8)}"a"${']'.repeat(8)}`);
  assert.throws(() => parseDiskDlist(nested(32)), /nested too deep/);
  const maps = (depth: number): string => `${'%(k '.repeat(depth)}a${')'.repeat(depth)}`;
  assert.ok(parseDiskDlist(maps(8)) instanceof DiskMap);
  assert.throws(() => parseDiskDlist(maps(32)), /nested too deep/);
});

test('literals of either kind are taken by their length, whatever is in them', () => {
  assert.deepEqual(parseDiskDlist('({3}\r\na)( {4+}\r\n\r\n"( {0}\r\n b)'), ['a)(', '\r\n"(', '', 'b']);
  for (const [text, said] of [
    ['{3}\r\nab', 'literal cut short at octet 0'],
    ['(a {3}', 'malformed literal at octet 3'],
    ['(a {3+ }\r\nabc)', 'malformed literal at octet 3'],
    ['{3}\r\nabcd', 'expected the end at octet 8'],
  ] as const) {
    assert.throws(() => parseDiskDlist(text), { name: 'DiskDlistError', message: said });
  }
});

test('what is not there is told with its place', () => {
  for (const [text, said] of [
    ['"ab', 'missing " at octet 3'],
    ['"ab\\', 'missing " at octet 5'],
    ['(a b', 'missing ) at octet 4'],
    ['%(a b', 'missing ) at octet 5'],
    ['%(a)', 'expected a space at octet 3'],
    ['("a""b")', 'expected a space at octet 4'],
    ['(a )', 'expected a value at octet 3'],
    ['a b', 'expected the end at octet 1'],
  ] as const) {
    assert.throws(() => parseDiskDlist(text), { name: 'DiskDlistError', message: said }, text);
  }
});

test('lines may end in either way, and nothing else follows a value', () => {
  for (const end of ['', '\n', '\r\n', '\n\n']) {
    assert.deepEqual(parseDiskDlist(`(a)${end}`), ['a']);
    assert.deepEqual(parseDiskDlist(`"a"${end}`), 'a');
    assert.deepEqual(parseDiskDlist(`a${end}`), 'a');
  }
  assert.throws(() => parseDiskDlist('"a"\nb'), DiskDlistError);
});

test('of a map the first value of a key counts; what is no number is none, and nothing is 0', () => {
  const map = parseDiskMap(
    '%(A 1 B x C NIL D "NIL" A 2 E (1) F 9007199254740991 G 9007199254740992 H "" I -1)',
  );
  assert.deepEqual(
    map.pairs.map(([key]) => key),
    ['A', 'B', 'C', 'D', 'A', 'E', 'F', 'G', 'H', 'I'],
  );
  const numbers = { A: 1, B: Number.NaN, C: 0, E: Number.NaN, F: 9007199254740991, G: Number.NaN };
  for (const [key, value] of Object.entries({ ...numbers, H: Number.NaN, I: Number.NaN, none: 0 }))
    assert.equal(map.number(key), value, key);
  const texts = { A: '1', B: 'x', C: undefined, D: 'NIL', E: undefined, H: '', none: undefined };
  for (const [key, value] of Object.entries(texts)) assert.equal(map.text(key), value, key);
  for (const text of ['(a b)', 'a', 'NIL']) assert.throws(() => parseDiskMap(text), /expected %\(/);
});
