import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { WireRecord } from '../../../src/protocol/replica-session.ts';
import { compareRecord } from '../../../src/verify/compare-record.ts';
import { isInShare } from '../../../src/verify/is-in-share.ts';

const RECORD: WireRecord = {
  ...{ uid: 1, modseq: 5, lastUpdated: 6, internaldate: 7, size: 8, guid: 'a'.repeat(40) },
  ...{ flags: ['\\Seen', 'Work'], annotations: [] },
};

const kinds = (replica: Partial<WireRecord>) =>
  compareRecord(RECORD, { ...RECORD, ...replica }).map(({ kind }) => kind);

test('flags are the same in any case and order', () => {
  assert.deepEqual(kinds({ flags: ['work', '\\Seen'] }), []);
  assert.deepEqual(kinds({ flags: ['work'] }), ['flags']);
});

test('a counter is told only where nothing else differs', () => {
  assert.deepEqual(kinds({ modseq: 9 }), ['modseq']);
  assert.deepEqual(kinds({ modseq: 9, internaldate: 1 }), ['internaldate']);
});

test('a message of one side alone is one difference', () => {
  assert.deepEqual(compareRecord(RECORD, undefined), [
    { kind: 'message', master: RECORD.guid, replica: undefined },
  ]);
  assert.equal(compareRecord(undefined, RECORD).length, 1);
});

test('as many turns in a row as there are parts take each mailbox once', () => {
  for (let mailbox = 0; mailbox < 200; mailbox++) {
    const turns = Array.from({ length: 30 }, (_, turn) =>
      isInShare({ parts: 30, turn: 20_000 + turn }, `id${mailbox}`),
    );
    assert.equal(turns.filter((taken) => taken).length, 1);
  }
});
