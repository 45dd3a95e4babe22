import assert from 'node:assert/strict';
import test from 'node:test';
import { unaccountedUid } from '../../../src/replicate/compare/unaccounted-uid.ts';
import { record } from '../../lab/engine-fakes.ts';

const gone = { flags: ['\\Expunged'] };

const below =
  (deletedmodseq: number) =>
  ({ modseq }: { modseq: number }): boolean =>
    modseq < deletedmodseq;

test('what the master was before is accounted for: older states, its own expunges and clean-ups', () => {
  const master = [record(1, 9, { flags: ['\\Seen'] }), record(2, 8, gone), record(4, 4)];
  const replica = [record(1, 2), record(2, 3), record(3, 5), record(4, 4)];
  assert.equal(unaccountedUid(master, replica, below(6)), undefined);
});

test('what the replica has of its own is not: a later change, an expunge, a message, another message', () => {
  const master = [record(1, 4), record(2, 5)];
  assert.equal(unaccountedUid(master, [record(1, 6), record(2, 5)], below(0)), 1);
  assert.equal(unaccountedUid(master, [record(1, 4, { flags: ['mine'] })], below(0)), 1);
  assert.equal(unaccountedUid(master, [record(1, 4), record(2, 5, gone)], below(0)), 2);
  assert.equal(unaccountedUid(master, [record(3, 7)], below(7)), 3);
  assert.equal(unaccountedUid(master, [record(2, 5, { guid: 'f'.repeat(40) })], below(0)), 2);
});
