import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { appendWouldMiss } from '../../../src/replicate/compare/append-would-miss.ts';
import { holdsOnlyOurs } from '../../../src/replicate/compare/holds-only-ours.ts';
import { basicCrc } from '../../../src/store/mailbox/checksums.ts';
import { record } from '../../lab/engine-fakes.ts';

const common = [record(1, 2), record(2, 3, { flags: ['\\Seen'] })];
const remoteOf = (records: typeof common) => ({
  crcBasic: basicCrc(records),
  lastUid: 2,
  highestmodseq: 3,
});

test('new messages on top of what both sides have, expunged ones included, are let through', () => {
  fc.assert(
    fc.property(fc.array(fc.boolean(), { minLength: 1, maxLength: 8 }), (expunged) => {
      const fresh = expunged.map((gone, i) => record(3 + i, 4 + i, { flags: gone ? ['\\Expunged'] : [] }));
      const state = { crcBasic: basicCrc([...common, ...fresh]) };
      assert.equal(appendWouldMiss(state, remoteOf(common), fresh), false);
    }),
  );
});

test('another message, or another flag, on the replica is foreseen', () => {
  const fresh = [record(3, 4)];
  const state = { crcBasic: basicCrc([...common, ...fresh]) };
  const flagged = [record(1, 2, { flags: ['\\Flagged'] }), record(2, 3, { flags: ['\\Seen'] })];
  assert.equal(appendWouldMiss(state, remoteOf(flagged), fresh), true);
});

test('nothing is foreseen where an old record has changed, or a side has no checksum', () => {
  const state = { crcBasic: basicCrc([...common, record(3, 4)]) };
  const other = { ...remoteOf(common), crcBasic: 77 };
  assert.equal(appendWouldMiss(state, other, [record(2, 5), record(3, 4)]), false);
  assert.equal(appendWouldMiss({ crcBasic: 0 }, other, [record(3, 4)]), false);
  assert.equal(appendWouldMiss(state, { ...other, crcBasic: 0 }, [record(3, 4)]), false);
});

test('what was cleaned up here before the replica heard of it leaves nothing there', () => {
  // UID 3 came, was expunged and removed; UID 4 is new.
  const fresh = [record(4, 8)];
  assert.equal(holdsOnlyOurs({ crcBasic: basicCrc([...common, ...fresh]) }, remoteOf(common), fresh), true);
  assert.equal(holdsOnlyOurs({ crcBasic: basicCrc(common) }, remoteOf(common), []), true);
});

test('a replica that still has what was cleaned up here, or of which that cannot be told, is not taken for one that has not', () => {
  const [kept, gone] = common;
  assert.ok(kept && gone);
  const state = { crcBasic: basicCrc([kept]) };
  assert.equal(holdsOnlyOurs(state, remoteOf(common), []), false);
  assert.equal(holdsOnlyOurs({ crcBasic: 0 }, { crcBasic: 0, lastUid: 2 }, []), false, 'no checksum');
  const changed = record(1, 9, { flags: ['\\Flagged'] });
  assert.equal(
    holdsOnlyOurs({ crcBasic: basicCrc([changed]) }, { ...remoteOf([]), lastUid: 2 }, [changed]),
    false,
  );
});
