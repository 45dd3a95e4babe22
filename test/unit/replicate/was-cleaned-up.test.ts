import assert from 'node:assert/strict';
import test from 'node:test';
import type { WireRecord } from '../../../src/protocol/replica-session.ts';
import { wasCleanedUp } from '../../../src/replicate/compare/was-cleaned-up.ts';
import { record } from '../../lab/engine-fakes.ts';

const gone = { flags: ['\\Expunged'] };

function cleanedUp(
  master: readonly WireRecord[],
  replica: readonly WireRecord[],
  counters: { lastUid?: number; highestmodseq?: number; deletedmodseq?: number } = {},
): number[] {
  const last = replica.at(-1);
  const { lastUid = 9, highestmodseq = 99, deletedmodseq } = counters;
  const there = {
    lastUid: last?.uid ?? 0,
    highestmodseq: Math.max(0, ...replica.map(({ modseq }) => modseq)),
    records: replica,
  };
  const isCleanedUp = wasCleanedUp({ lastUid, highestmodseq, deletedmodseq, records: master }, there);
  return replica.filter(isCleanedUp).map(({ uid }) => uid);
}

test('where the master tells up to which modseq it has cleaned up, that decides', () => {
  assert.deepEqual(cleanedUp([], [record(1, 5), record(2, 6)], { deletedmodseq: 6 }), [1]);
});

test('what the replica still has in a state that the master was in has been cleaned up', () => {
  const replica = [record(1, 2), record(2, 3), record(3, 4)];
  assert.deepEqual(cleanedUp([record(1, 2)], replica), [2, 3]);
  assert.deepEqual(cleanedUp([record(1, 8, { flags: ['\\Seen'] }), record(9, 9)], replica), [2, 3]);
  assert.deepEqual(cleanedUp([], replica), [1, 2, 3]);
});

test('once the replica has changes of its own, only what is as old as something that both agree on is', () => {
  const replica = [record(1, 2), record(2, 3), record(3, 4), record(4, 7)];
  // Message 4 is here as well, in a state that the replica had later than the master.
  assert.deepEqual(cleanedUp([record(3, 4), record(4, 6)], replica), [1, 2]);
  assert.deepEqual(cleanedUp([record(1, 2), record(4, 6)], replica), []);
});

test('what may be the replica’s own is none of it', () => {
  const own: [what: string, master: WireRecord[], replica: WireRecord[]][] = [
    ['above the LAST_UID', [record(1, 2)], [record(1, 2), record(10, 3)]],
    [
      'changed since the sides agreed',
      [record(1, 2), record(3, 4)],
      [record(1, 2), record(2, 8), record(3, 4, gone)],
    ],
    [
      'beside another message under one UID',
      [record(3, 5, { guid: 'f'.repeat(40) })],
      [record(2, 4), record(3, 3)],
    ],
    [
      'from the first change on, where nothing is agreed on',
      [record(3, 5, { guid: 'f'.repeat(40) })],
      [record(2, 1), record(3, 3)],
    ],
    [
      'beside what the replica never heard of',
      [record(1, 2), record(4, 3)],
      [record(1, 2, gone), record(2, 5)],
    ],
    ['beyond the master', [record(1, 2)], [record(1, 1), record(2, 100)]],
  ];
  for (const [what, master, replica] of own) assert.deepEqual(cleanedUp(master, replica), [], what);
});

test('a replica whose counters are those of the master may be what the master was', () => {
  const replica = [record(1, 2), record(2, 3), record(3, 4)];
  assert.deepEqual(cleanedUp([record(1, 2)], replica, { lastUid: 3, highestmodseq: 4 }), [2, 3]);
});

test('what the replica must have heard of by its modseq and has otherwise, or has not, contradicts that', () => {
  assert.deepEqual(cleanedUp([record(4, 5)], [record(2, 5)]), []);
  assert.deepEqual(cleanedUp([record(4, 6)], [record(2, 5)]), [2]);
  const flagged = (modseq: number) => [record(1, modseq, { flags: ['\\Seen'] })];
  assert.deepEqual(cleanedUp(flagged(5), [record(1, 4), record(2, 5)]), []);
  assert.deepEqual(cleanedUp(flagged(6), [record(1, 4), record(2, 5)]), [2]);
});
