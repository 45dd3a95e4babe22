import assert from 'node:assert/strict';
import test from 'node:test';
import { parse } from 'acorn';
import { mutationsOf } from './mutations-of.ts';

const SOURCE = `
export function f(a, b) {
  if (a < b && a !== 0) count(a + 1);
  const text = 'a' + b;
  return b ? true : [a ?? 7, 1000];
}
`;

test('operators, conditions, constants and calls are changed, one at a time, and texts are left alone', () => {
  const found = mutationsOf(SOURCE).map(({ what }) => what);
  assert.deepEqual(found.sort(), [
    '0 -> 1',
    '1 -> 2',
    '1000 -> 0',
    '7 -> 8',
    'a !== 0: !== -> ===',
    'a + 1: + -> -',
    'a < b && a !== 0 -> !(a < b && a !== 0)',
    'a < b && a !== 0: && -> ||',
    'a < b: < -> <=',
    'a ?? 7: ?? -> &&',
    'b -> !(b)',
    'count(a + 1); -> ;',
    'true -> false',
  ]);
});

test('each leaves a module that can be parsed, and another one', () => {
  for (const { start, end, text } of mutationsOf(SOURCE)) {
    const changed = SOURCE.slice(0, start) + text + SOURCE.slice(end);
    assert.notEqual(changed, SOURCE);
    parse(changed, { ecmaVersion: 'latest', sourceType: 'module' });
  }
});

test('what the compiler makes of using is none of ours, what is used is', () => {
  const source = `var __add = (this && this.__add) || function (a) { if (!a) return 1; };
    const env_1 = { stack: [], hasError: false };
    try { const held = __add(env_1, take(1 + 2), false); }
    catch (e) { env_1.hasError = true; }
    finally { __dispose(env_1); }`;
  assert.deepEqual(
    mutationsOf(source).map(({ what }) => what),
    ['1 -> 2', '1 + 2: + -> -', '2 -> 3'],
  );
});

test('a bound by itself is left as it is, a table of numbers is not', () => {
  const source = 'const MAX_OCTETS = 64 * KIB, OFFSETS = { uid: 4 };';
  assert.deepEqual(
    mutationsOf(source).map(({ what }) => what),
    ['4 -> 5'],
  );
});

test('beside a bound a comparison is turned round, not moved by one', () => {
  assert.deepEqual(
    mutationsOf('const isLong = text.length > MAX_OCTETS;').map(({ what }) => what),
    ['text.length > MAX_OCTETS: > -> <='],
  );
});

test('the text of an error is left alone, what goes with it is not', () => {
  const source = 'throw new SyncError("IO", `$' + '{name.slice(0, 9)} is not there`, { isFatal: true });';
  assert.deepEqual(
    mutationsOf(source).map(({ what }) => what),
    ['true -> false'],
  );
});
