import assert from 'node:assert/strict';
import test from 'node:test';
import {
  encodeFileHead,
  encodeFlags,
  encodeKvlist,
  encodeNumber,
  encodeString,
  encodeStrings,
} from '../../../../src/protocol/dlist/encoders.ts';
import { SyncError } from '../../../../src/report/sync-error.ts';

test('the string rule, case by case', () => {
  const cases: [string | null, string][] = [
    [null, 'NIL'],
    ['', '""'],
    ['NIL', '"NIL"'],
    ['nil', 'nil'],
    ['user.alice.sub', 'user.alice.sub'],
    ["a}[]',+&\x1fz", "a}[]',+&\x1fz"],
    ['user.alice.a b', '"user.alice.a b"'],
    ['user.x.(y)', '"user.x.(y)"'],
    ['user.x.{y', '"user.x.{y"'],
    ['a*b', '"a*b"'],
    ['alice\tlrs\t', '"alice\tlrs\t"'],
    ['del\x7f', '"del\x7f"'],
    ['say "hi"', '{8+}\r\nsay "hi"'],
    ['100%', '{4+}\r\n100%'],
    ['back\\slash', '{10+}\r\nback\\slash'],
    ['line\nend', '{8+}\r\nline\nend'],
    ['caf\xe9', '{4+}\r\ncaf\xe9'],
    ['nul\0', '{4+}\r\nnul\0'],
    ['a'.repeat(1023), 'a'.repeat(1023)],
    ['a'.repeat(1024), `{1024+}\r\n${'a'.repeat(1024)}`],
  ];
  for (const [value, wire] of cases) assert.equal(encodeString(value), wire);
});

test('every single octet is an atom, quoted or a literal as Cyrus has it', () => {
  const literals: number[] = [];
  const quoted: number[] = [];
  for (let octet = 0; octet < 256; octet++) {
    const wire = encodeString(String.fromCharCode(octet));
    if (wire.startsWith('{')) literals.push(octet);
    else if (wire.startsWith('"')) quoted.push(octet);
  }
  const upper = Array.from({ length: 128 }, (_, i) => 128 + i);
  assert.deepEqual(literals, [0, 10, 13, 0x22, 0x25, 0x5c, ...upper]);
  const controls = Array.from({ length: 0x1e }, (_, i) => i + 1).filter(
    (octet) => octet !== 10 && octet !== 13,
  );
  assert.deepEqual(quoted, [...controls, 0x20, 0x28, 0x29, 0x2a, 0x7b, 0x7f]);
});

test('a character that is no octet is our bug, not silently cut', () => {
  assert.throws(
    () => encodeString('snow\u2603man'),
    (error) => error instanceof SyncError && error.code === 'BUG',
  );
});

test('numbers that the wire cannot carry are refused', () => {
  assert.equal(encodeNumber(0), '0');
  assert.equal(encodeNumber(Number.MAX_SAFE_INTEGER), '9007199254740991');
  for (const bad of [-1, 0.5, Number.NaN, 2 ** 53]) {
    assert.throws(() => encodeNumber(bad), SyncError);
  }
});

test('lists, flags, kvlists and file heads', () => {
  assert.equal(encodeStrings([]), '()');
  assert.equal(encodeStrings(['a', 'b c']), '(a "b c")');
  assert.equal(encodeFlags([]), '()');
  assert.equal(encodeFlags(['\\Seen', '$Label1']), '(\\Seen $Label1)');
  assert.equal(encodeKvlist([]), '%()');
  assert.equal(
    encodeKvlist([
      ['A', encodeNumber(1)],
      ['B', undefined],
      ['C', encodeStrings([])],
    ]),
    '%(A 1 C ())',
  );
  const guid = 'ab12'.repeat(10);
  assert.equal(encodeFileHead('default', guid, 5), `%{default ${guid} 5}\r\n`);
});
