import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { KeptDatabases } from '../../../src/store/cyrusdb/kept-database.ts';
import {
  AnnotationRowError,
  annotationOf,
  inWireOrder,
  parseAnnotationKey,
  parseAnnotationValue,
} from '../../../src/store/mailbox/annotation-rows.ts';
import { MessageAnnotations, readScopes } from '../../../src/store/mailbox/message-annotations.ts';

const directory = mkdtempSync(join(tmpdir(), 'annotations-'));
test.after(() => rmSync(directory, { recursive: true }));

function stored(value: string, modseq = 0, flags = 0): string {
  const length = Buffer.alloc(8);
  length.writeUInt32BE(value.length);
  const tail = Buffer.alloc(17);
  tail.writeBigUInt64BE(BigInt(modseq), 8);
  tail.writeUInt8(flags, 16);
  return `${length.toString('latin1')}${value}\0text/plain\0${tail.toString('latin1')}`;
}

/** A database file in the flat format, whose escapes are enough for NUL. */
function flatFile(name: string, rows: [string, string][]): string {
  const path = join(directory, name);
  const escaped = (text: string) =>
    text.replace(/[\0\t\r\n\xff]/g, (char) =>
      char === '\xff' ? '\xff\xff' : `\xff${String.fromCharCode(char.charCodeAt(0) | 0x80)}`,
    );
  const lines = rows.map(([key, value]) => `${escaped(key)}\t${escaped(value)}\n`).sort();
  writeFileSync(path, lines.join(''), 'latin1');
  return path;
}

const databases = new KeptDatabases(1);

test('values with every part, with old endings, and those that do not count', () => {
  assert.deepEqual(parseAnnotationValue(stored('hello', 42)), { value: 'hello', modseq: 42 });
  assert.deepEqual(parseAnnotationValue(stored('a\0b', 1)), { value: 'a\0b', modseq: 1 });
  assert.deepEqual(parseAnnotationValue(stored('old').slice(0, 8 + 3)), { value: 'old', modseq: 0 });
  assert.deepEqual(parseAnnotationValue(stored('old').slice(0, 8 + 3 + 1 + 11)), { value: 'old', modseq: 0 });
  assert.equal(parseAnnotationValue(stored('gone', 7, 1)), undefined);
  assert.equal(parseAnnotationValue(stored('')), undefined);
  assert.equal(parseAnnotationValue(''), undefined);
  for (const cut of ['abc', stored('gone').slice(0, 8 + 3)]) {
    assert.throws(() => parseAnnotationValue(cut), AnnotationRowError, 'damage is no reason to remove one');
  }
});

test('keys have three parts, and those that have two mean nothing', () => {
  assert.deepEqual(parseAnnotationKey('12\0/comment\0anna\0'), {
    scope: '12',
    entry: '/comment',
    userid: 'anna',
  });
  assert.deepEqual(parseAnnotationKey('id\0/comment\0\0'), { scope: 'id', entry: '/comment', userid: '' });
  assert.equal(parseAnnotationKey('id\0/comment'), undefined);
});

test('the owner token is the owner, and what is then there twice is sent once', () => {
  const row = annotationOf('id\0/a\0[.OwNeR.]\0', stored('v', 3), 'anna');
  assert.equal(row?.userid, 'anna');
  const a = { entry: '/a', userid: 'anna', modseq: 3, value: 'v' };
  const sorted = inWireOrder([
    { ...a, entry: '/b' },
    { ...a, value: 'w' },
    { ...a, modseq: 9 },
    { ...a, userid: '' },
    a,
  ]);
  assert.deepEqual(inWireOrder([a, { ...a, modseq: 9 }]), [{ ...a, modseq: 9 }]);
  assert.deepEqual(sorted, [
    { ...a, userid: '' },
    { ...a, modseq: 9 },
    { ...a, value: 'w' },
    { ...a, entry: '/b' },
  ]);
});

test('UID 1 is not UID 10, in a small file and in a large one', () => {
  const rows = ['1', '10', '11', '2'].map((uid): [string, string] => [
    `${uid}\0/comment\0\0`,
    stored(`of ${uid}`),
  ]);
  const ballast = Array.from({ length: 5 }, (_, i): [string, string] => [
    `${900 + i}\0/comment\0\0`,
    stored('x'.repeat(1024 * 1024)),
  ]);
  for (const path of [flatFile('small', rows), flatFile('large', [...rows, ...ballast])]) {
    const annotations = new MessageAnnotations(path, 'anna');
    const valuesOf = (uid: number, next: number[]) =>
      annotations.of(uid, () => next).map(({ value }) => value);
    assert.deepEqual(valuesOf(1, [2, 10]), ['of 1']);
    assert.deepEqual(valuesOf(2, [10]), ['of 2']);
    assert.deepEqual(valuesOf(3, [10]), []);
    assert.deepEqual(valuesOf(10, []), ['of 10']);
    assert.deepEqual(valuesOf(1, []), ['of 1']);
  }
});

test('no database, no annotations', () => {
  const scopes = [{ scope: 'id', owner: 'anna' }];
  assert.deepEqual(readScopes(databases, join(directory, 'none'), scopes), [[]]);
  assert.deepEqual(
    new MessageAnnotations(join(directory, 'none'), 'anna').of(1, () => []),
    [],
  );
});

test('server, mailbox and another mailbox are separate scopes', () => {
  const path = flatFile('scopes', [
    ['\0/motd\0\0', stored('server')],
    ['id\0/comment\0\0', stored('mine')],
    ['id2\0/comment\0\0', stored('other')],
  ]);
  const scopes = [
    { scope: '', owner: undefined },
    { scope: 'id', owner: 'anna' },
  ];
  const values = readScopes(databases, path, scopes).map((found) => found.map(({ value }) => value));
  assert.deepEqual(values, [['server'], ['mine']]);
});

test('a small file is read at once, of a large one those of the messages that come next', () => {
  const row = (uid: number, value: string): [string, string] => [`${uid}\0/comment\0\0`, stored(value)];
  const rows = [row(1, 'of 1'), row(2, 'of 2'), row(3, 'of 3')];
  const ballast = Array.from({ length: 5 }, (_, i) => row(900 + i, 'x'.repeat(1024 * 1024)));
  const small = flatFile('once', rows);
  const large = flatFile('in runs', [...rows, ...ballast]);
  const changed: [string, string][] = [row(1, 'new'), row(2, 'new'), row(3, 'new')];
  for (const [path, name, others, expected, asked] of [
    [small, 'once', [], ['of 1', 'of 2', 'of 3'], []],
    [large, 'in runs', ballast, ['of 1', 'of 2', 'new'], [1, 3]],
  ] as const) {
    const annotations = new MessageAnnotations(path, 'anna');
    const askedFor: number[] = [];
    const valuesOf = (uid: number): string[] =>
      annotations
        .of(uid, () => {
          askedFor.push(uid);
          return uid === 1 ? [2] : [];
        })
        .map(({ value }) => value);
    const found = valuesOf(1);
    flatFile(name, [...changed, ...others]);
    assert.deepEqual([...found, ...valuesOf(2), ...valuesOf(3)], expected);
    assert.deepEqual(askedFor, asked);
  }
});

test('of a large file no more messages are looked up at once than are worth it', () => {
  const ballast = Array.from({ length: 5 }, (_, i): [string, string] => [
    `${9_000 + i}\0/comment\0\0`,
    stored('x'.repeat(1024 * 1024)),
  ]);
  const path = flatFile('long runs', ballast);
  let told = 0;
  const next = function* (): Generator<number> {
    for (let uid = 2; ; uid += 1) {
      told += 1;
      yield uid;
    }
  };
  const annotations = new MessageAnnotations(path, 'anna');
  assert.deepEqual(annotations.of(1, next), []);
  assert.equal(told, 256);
  assert.deepEqual(annotations.of(256, next), []);
  assert.equal(told, 256, 'it was looked up with the first');
  assert.deepEqual(annotations.of(257, next), []);
  assert.equal(told, 512);
});
