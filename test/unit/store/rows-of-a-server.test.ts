import assert from 'node:assert/strict';
import test from 'node:test';
import { optionLetters } from '../../../src/store/mailbox/index-header.ts';
import type { NameRules } from '../../../src/store/paths/mailbox-name.ts';
import { entryOfLine } from '../../../src/store/remote/view-of-line.ts';
import { entry, remoteOf, state } from '../../lab/engine-fakes.ts';

const RULES: NameRules = {
  defaultdomain: 'internal',
  deletedprefix: 'DELETED',
  unixhierarchysep: true,
  virtdomains: 'off',
};

test('a line that a server tells of a mailbox is a live row, with the owner that its name says', () => {
  for (const [name, type, userid, inDeleted] of [
    ['user.anna.Sent', '', 'anna', false],
    ['user.anna', 'i', 'anna', false],
    ['shared.team', 'e', undefined, false],
    ['DELETED.user.anna.Sent.6560A3B2', '', 'anna', true],
  ] as const) {
    const line = remoteOf(entry(name, { type, uidvalidity: 7, acl: 'anna\tlrs\t' }), state(), {
      uniqueid: 'abc',
      partition: 'fast',
    });
    const { name: _, ...row } = entryOfLine(RULES, line);
    assert.deepEqual(row, {
      uniqueid: 'abc',
      type,
      intermediate: type === 'i',
      deleted: false,
      legacyDirs: false,
      partition: 'fast',
      acl: 'anna\tlrs\t',
      uidvalidity: line.uidvalidity,
      createdmodseq: line.createdmodseq,
      foldermodseq: line.foldermodseq,
      userid,
      inDeleted,
    });
  }
});

test('options of an index are the letters of the wire, one for each bit that has one', () => {
  const letters = Array.from({ length: 32 }, (_, bit) => optionLetters((1 << bit) >>> 0));
  assert.deepEqual(letters, ['P', '', 'S', 'D', 'A', ...Array.from({ length: 27 }, () => '')]);
  assert.equal(optionLetters(0b11101), 'PSDA');
});
