import assert from 'node:assert/strict';
import test from 'node:test';
import { parseMailboxRow } from '../../../src/store/mailbox-list/mailbox-row.ts';
import { parseTypeLetters, parseTypeNumber, wireType } from '../../../src/store/mailbox-list/mailbox-type.ts';

const PLAIN = {
  kind: 'e',
  ...{
    deleted: false,
    moving: false,
    remote: false,
    reserved: false,
    intermediate: false,
    legacyDirs: false,
  },
};

test('each letter means one thing, in any order, and a letter that is none means nothing', () => {
  const meanings: [string, object][] = [
    ['d', { deleted: true }],
    ['m', { moving: true }],
    ['r', { remote: true }],
    ['z', { reserved: true }],
    ['i', { intermediate: true }],
    ['l', { legacyDirs: true }],
    ...[...'enbcajspf'].map((kind): [string, object] => [kind, { kind }]),
  ];
  assert.deepEqual(parseTypeLetters(''), PLAIN);
  for (const [letter, meaning] of meanings)
    assert.deepEqual(parseTypeLetters(letter), { ...PLAIN, ...meaning }, letter);
  const all = {
    kind: 'c',
    deleted: true,
    moving: true,
    remote: true,
    reserved: true,
    intermediate: true,
    legacyDirs: true,
  };
  assert.deepEqual(parseTypeLetters('ldcmrzi'), all);
  for (const letters of ['q', 'E', 'eq']) assert.equal(parseTypeLetters(letters), undefined, letters);
  assert.equal(wireType(all), 'cdmrzi');
});

test('each bit of the numbers before means one thing', () => {
  const meanings = [
    {},
    { remote: true },
    { reserved: true },
    { deleted: true },
    { moving: true },
    { kind: 'n' },
  ];
  for (const [index, meaning] of meanings.entries())
    assert.deepEqual(
      parseTypeNumber(index === 0 ? 0 : 2 ** (index - 1)),
      { ...PLAIN, ...meaning },
      String(index),
    );
});

test('on the wire plain mail is nothing, another kind its letter, and each flag follows the kind', () => {
  const wire = (letters: string) => wireType(parseTypeLetters(letters) ?? assert.fail(letters));
  assert.deepEqual(['e', '', 'el', 'c', 'f', 'd', 'em', 'r', 'z', 'ci', 'n'].map(wire), [
    ...['', '', '', 'c', 'f', 'ed', 'em', 'er', 'ez', 'ci', 'n'],
  ]);
});

test('a row of Cyrus 2.x whose host has no name is of another server all the same', () => {
  const { type, partition, uniqueid } = parseMailboxRow('0 !default anna\tlrs\t');
  assert.deepEqual([type.remote, partition, uniqueid], [true, 'default', '']);
  assert.equal(parseMailboxRow('(specialuse x uniqueid 4e1b7a0c) 0 default a\tl\t').uniqueid, '4e1b7a0c');
});
