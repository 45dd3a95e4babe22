import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { crcEqual, mailboxCrc, recordCrc } from '../../../src/sandbox/storage/checksums.ts';
import type { RecordRow } from '../../../src/sandbox/storage/rows.ts';
import { expectedCrc, guidOf } from '../../lab/with-sandbox.ts';

const annotation = fc.record({
  entry: fc.constantFrom('/comment', '/altsubject', '/vendor/cmu/cyrus-imapd/basethrid'),
  userid: fc.constantFrom('', 'anna'),
  modseq: fc.nat(),
  value: fc.string({ minLength: 1 }),
});
const record: fc.Arbitrary<RecordRow> = fc.record({
  uid: fc.integer({ min: 1, max: 1e6 }),
  modseq: fc.integer({ min: 1, max: 2 ** 50 }),
  lastUpdated: fc.nat(),
  flags: fc.uniqueArray(fc.constantFrom('\\Deleted', '\\Answered', '\\Flagged', '\\Seen', 'Foo', '$MDNSent')),
  internaldate: fc.nat(),
  size: fc.nat(),
  guid: fc.nat().map((seed) => guidOf(String(seed))),
  annotations: fc.array(annotation, { maxLength: 3 }),
  unlinked: fc.constant(false),
});

test('the CRCs of a mailbox are those of the written rule, for any records', () => {
  fc.assert(
    fc.property(fc.array(record), (records) => {
      const { basic, annotations } = mailboxCrc(records);
      assert.deepEqual([basic, annotations], expectedCrc(records));
    }),
  );
});

test('taking a record out is putting it in once more, so a mailbox never needs a recount', () => {
  fc.assert(
    fc.property(fc.array(record, { minLength: 1 }), record, (records, changed) => {
      const before = mailboxCrc(records);
      const [first, ...others] = records;
      assert.ok(first !== undefined);
      const [out, into] = [recordCrc(first), recordCrc(changed)];
      const moved = {
        basic: (before.basic ^ out.basic ^ into.basic) >>> 0,
        annotations: (before.annotations ^ out.annotations ^ into.annotations) >>> 0,
      };
      assert.deepEqual(moved, mailboxCrc([changed, ...others]));
    }),
  );
});

test('an expunged record counts for nothing; an empty mailbox has 0 and 12345678', () => {
  const expunged = { ...plain(), flags: ['\\Expunged', '\\Seen'] };
  assert.deepEqual(mailboxCrc([expunged]), { basic: 0, annotations: 12345678 });
  assert.deepEqual(mailboxCrc([]), { basic: 0, annotations: 12345678 });
});

test('the conversation id is hashed without leading zeros, the wire form has them', () => {
  const thrid = (value: string) =>
    recordCrc({
      ...plain(),
      annotations: [{ entry: '/vendor/cmu/cyrus-imapd/thrid', userid: '', modseq: 0, value }],
    }).annotations;
  assert.equal(thrid('04948ec4ea098423'), thrid('4948ec4ea098423'));
  assert.equal(thrid('0000000000000000'), 0);
});

test('a zero CRC compares equal to everything, each half by itself', () => {
  assert.ok(crcEqual({ basic: 0, annotations: 5 }, { basic: 7, annotations: 5 }));
  assert.ok(crcEqual({ basic: 7, annotations: 5 }, { basic: 7, annotations: 0 }));
  assert.ok(!crcEqual({ basic: 7, annotations: 0 }, { basic: 8, annotations: 0 }));
  assert.ok(!crcEqual({ basic: 0, annotations: 1 }, { basic: 0, annotations: 2 }));
});

function plain(): RecordRow {
  return {
    uid: 1,
    modseq: 2,
    lastUpdated: 3,
    flags: [],
    internaldate: 4,
    size: 5,
    guid: guidOf(''),
    annotations: [],
    unlinked: false,
  };
}
