import assert from 'node:assert/strict';
import test from 'node:test';
import type { WireRecord } from '../../../src/protocol/replica-session.ts';
import { appendWouldMiss } from '../../../src/replicate/compare/append-would-miss.ts';
import { areTooMany, lineWithout, mailboxWithout } from '../../../src/replicate/compare/left-out.ts';
import { mailboxLine } from '../../../src/replicate/compare/mailbox-line.ts';
import { newMessages } from '../../../src/replicate/compare/read-delta.ts';
import { listMessages, ReplicaOwn } from '../../../src/replicate/compare/replica-own.ts';
import { isDoubtful } from '../../../src/replicate/merge/with-counted-checksums.ts';
import { basicCrc } from '../../../src/store/mailbox/checksums.ts';
import { entry, lockedMailbox, record, state } from '../../lab/engine-fakes.ts';

const INBOX = entry('user.anna');
const EXPUNGED = { flags: ['\\Expunged'] };

/** @returns UIDs of the replica's own: of a message, and of an expunged one */
function ownOf(there: readonly WireRecord[]): (number | undefined)[] {
  const mailbox = lockedMailbox(INBOX, [record(2, 1), record(4, 1, EXPUNGED), record(6, 1)]);
  const own = new ReplicaOwn(listMessages(mailbox));
  for (const each of there) own.take(each);
  return [own.message, own.expunged];
}

test('the replica’s own is what is not here, or not with this content; of either kind the first is named', () => {
  assert.deepEqual(ownOf([]), [undefined, undefined]);
  assert.deepEqual(ownOf([record(2, 9), record(4, 9, EXPUNGED), record(6, 9)]), [undefined, undefined]);
  assert.deepEqual(ownOf([record(2, 9, EXPUNGED), record(6, 9, EXPUNGED)]), [undefined, undefined]);
  assert.deepEqual(ownOf([record(2, 9, { guid: 'f'.repeat(40) })]), [2, undefined]);
  assert.deepEqual(ownOf([record(4, 9)]), [4, undefined], 'it was expunged here');
  for (const uid of [1, 3, 5, 7]) {
    assert.deepEqual(ownOf([record(uid, 9)]), [uid, undefined]);
    assert.deepEqual(ownOf([record(uid, 9, EXPUNGED)]), [undefined, uid]);
  }
  assert.deepEqual(
    ownOf([record(1, 9), record(2, 9), record(3, 9, EXPUNGED), record(5, 9), record(7, 9, EXPUNGED)]),
    [1, 3],
  );
});

test('messages that the replica may have elsewhere are those above its LAST_UID that have a file and a GUID', () => {
  const mailbox = lockedMailbox(INBOX, [
    record(1, 1),
    record(2, 1, { size: 22 }),
    record(3, 1, { unlinked: true }),
    record(4, 1, { guid: '0'.repeat(40) }),
    record(5, 1, { size: 55 }),
  ]);
  const sizes = (base: { lastUid: number; highestmodseq: number } | undefined) =>
    [...newMessages(mailbox, base)].map(({ size }) => size);
  assert.deepEqual(sizes({ lastUid: 1, highestmodseq: 1 }), [22, 55]);
  assert.deepEqual(sizes(undefined), [100, 22, 55]);
  assert.deepEqual(sizes({ lastUid: 5, highestmodseq: 1 }), []);
});

test('that a delta of new messages would miss is foreseen only where both checksums are known and nothing old has changed', () => {
  const added = [record(3, 9), record(4, 10)];
  const before = 777;
  const crcBasic = (before ^ basicCrc(added)) >>> 0;
  const remote = { crcBasic: before, lastUid: 2, highestmodseq: 8 };
  const misses = (changes: Partial<typeof remote>, crc = crcBasic, records = added) =>
    appendWouldMiss({ crcBasic: crc }, { ...remote, ...changes }, records);
  assert.equal(misses({}), false);
  assert.equal(misses({ crcBasic: 778 }), true);
  assert.equal(misses({ crcBasic: 0 }), false);
  assert.equal(misses({ crcBasic: 778, highestmodseq: 0 }), false);
  assert.equal(misses({ crcBasic: 778, lastUid: 3 }), false);
  assert.equal(misses({ crcBasic: 778 }, 0), false);
  assert.equal(misses({ crcBasic: 778 }, crcBasic, []), false);
  assert.equal(
    misses({ crcBasic: 778 }, basicCrc(added)),
    false,
    'a mailbox without records has no checksum',
  );
});

test('few damaged messages are left out of any mailbox, more than one in ten only of a small one', () => {
  const many = (leftOut: number, exists: number, indexVersion = 17) =>
    areTooMany(leftOut, { exists, indexVersion });
  assert.deepEqual([many(16, 16), many(17, 170), many(17, 169), many(18, 179)], [false, false, true, true]);
  assert.deepEqual([many(3, 3, 12), many(2, 3, 12), many(3, 3, 13)], [true, false, false]);
});

test('without what is left out the checksum is that of the rest, and one that is not known stays so', () => {
  const records = [record(1, 1), record(2, 1), record(3, 1)];
  const [, left] = records;
  assert.ok(left);
  const mailbox = lockedMailbox(INBOX, records, { crcBasic: basicCrc(records) });
  const line = mailboxLine(mailbox, undefined, { partition: 'p', local: false });
  const rest = basicCrc(records.filter((each) => each !== left));
  assert.deepEqual(lineWithout(line, [left]), { ...line, crcBasic: rest, crcAnnotations: undefined });
  assert.equal(lineWithout(line, []), line);
  assert.equal(lineWithout({ ...line, crcBasic: 0 }, [left]).crcBasic, 0);
  const { crcBasic, crcAnnotations } = mailboxWithout(mailbox, [left]).state;
  assert.deepEqual([crcBasic, crcAnnotations], [rest, 0]);
  assert.equal(mailboxWithout(mailbox, []), mailbox);
  const unknown = { ...mailbox, state: { ...state(), crcBasic: 0 } };
  assert.equal(mailboxWithout(unknown, [left]).state.crcBasic, 0);
});

test('a checksum is doubted where the master’s server cannot be made to count it, and only where one could be wrong', () => {
  const doubtful = (noCopyback: boolean, master: object | undefined, reason = 'crc-differs-at-same-modseq') =>
    isDoubtful({ options: { noCopyback }, master } as never, reason as never);
  assert.equal(doubtful(false, {}), false);
  assert.equal(doubtful(true, {}), true);
  assert.equal(doubtful(false, undefined), true);
  assert.equal(doubtful(true, undefined), true);
  for (const reason of ['crc-differs-below-append', 'checksum-refused'])
    assert.equal(doubtful(true, {}, reason), true);
  assert.equal(doubtful(true, {}, 'uid-higher-on-replica'), false);
});
