import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import type { ReplicaMailbox } from '../../../src/protocol/replica-session.ts';
import { afterApplying, mailboxLine, partialLine } from '../../../src/replicate/compare/mailbox-line.ts';
import { partialLimit, readDelta } from '../../../src/replicate/compare/read-delta.ts';
import type { IndexRecord } from '../../../src/store/master-store.ts';
import { entry, lockedMailbox, record, remoteOf, state } from '../../lab/engine-fakes.ts';

const inbox = entry('user.alice');
/** A mailbox that was made for its quota or its partition, and got nothing before the run ended. */
const NEVER_FILLED = { lastUid: 0, highestmodseq: 1 };

test('a delta holds what is above the modseq of the replica, expunged records included, and uploads what is new', () => {
  const mailbox = lockedMailbox(inbox, [
    record(1, 2),
    record(2, 9, { flags: ['\\Seen'] }),
    record(3, 10, { flags: ['\\Expunged'] }),
    record(4, 11, { flags: ['\\Expunged'], unlinked: true }),
    record(5, 12),
  ]);
  const delta = readDelta(mailbox, remoteOf(inbox, state({ lastUid: 2, highestmodseq: 5 })), 0);
  assert.deepEqual(
    delta.records.map((one) => one.uid),
    [2, 3, 4, 5],
  );
  assert.deepEqual(
    delta.uploads.map((one) => one.uid),
    [3, 5],
  );
});

test('a live message above LAST_UID that the modseq hides is reported, for a delta would lose it', () => {
  const mailbox = lockedMailbox(inbox, [record(1, 2), record(2, 7)]);
  const delta = readDelta(mailbox, remoteOf(inbox, state({ lastUid: 1, highestmodseq: 7 })), 0);
  assert.equal(delta.coincidingUid, 2);
});

test('a step ends at the modseq below that of whatever is left for the next, expunged records included', () => {
  const gone = { flags: ['\\Expunged'] };
  const list = [record(1, 9), record(2, 3), record(3, 7), record(4, 5, gone), record(5, 6)];
  const mailbox = lockedMailbox(inbox, list);
  const limit = (batchSize: number, base = { lastUid: 0, highestmodseq: 0 }) =>
    partialLimit(mailbox, base, batchSize);
  assert.deepEqual(limit(2), { uid: 2, modseq: 4 });
  assert.deepEqual(limit(4), { uid: 4, modseq: 5 });
  assert.equal(limit(5), undefined, 'they fit one command');
  assert.deepEqual(limit(2, { lastUid: 1, highestmodseq: 3 }), { uid: 3, modseq: 4 });
  assert.equal(limit(2, { lastUid: 1, highestmodseq: 4 }), undefined, 'the replica is as far already');
});

test('a first copy has records of modseq 0 too, which Cyrus 2.4 gave to all mail of an older index', () => {
  const gone = { flags: ['\\Expunged'] };
  const mailbox = lockedMailbox(inbox, [record(1, 0), record(2, 0, gone), record(3, 2)]);
  const uids = (list: readonly IndexRecord[]): number[] => list.map(({ uid }) => uid);
  const untold = { lastUid: 2, highestmodseq: 0 };
  for (const remote of [undefined, NEVER_FILLED, { lastUid: 0, highestmodseq: 2 }, untold]) {
    const delta = readDelta(mailbox, remote && remoteOf(inbox, state(remote)), 0);
    assert.deepEqual(uids(delta.records), [1, 2, 3]);
    assert.deepEqual(uids(delta.uploads), remote === untold ? [3] : [1, 2, 3]);
    assert.equal(delta.coincidingUid, undefined);
  }
  assert.deepEqual(uids(readDelta(mailbox, remoteOf(inbox, state({ lastUid: 2 })), 0).records), [3]);
});

test('no step is made that would hide a later record of modseq 0 or 1 from the next', () => {
  const limit = (...modseqs: number[]) =>
    partialLimit(
      lockedMailbox(
        inbox,
        modseqs.map((modseq, i) => record(i + 1, modseq)),
      ),
      { lastUid: 0, highestmodseq: 0 },
      2,
    );
  assert.deepEqual(limit(0, 0, 5, 6), { uid: 2, modseq: 4 });
  assert.equal(limit(5, 6, 0, 7), undefined);
  assert.equal(limit(1, 1, 1, 7), undefined);
  assert.equal(limit(0, 0, 0, 0), undefined);
});

test('a record without GUID is refused', () => {
  const mailbox = lockedMailbox(inbox, [record(1, 2, { guid: '0'.repeat(40) })]);
  assert.throws(() => readDelta(mailbox, undefined, 0), { code: 'IMAP_MAILBOX_NOTSUPPORTED' });
});

test('steps of any size bring over every record once at its final modseq, expunged ones at once, and upload each message once', () => {
  const modseqs = fc.oneof(fc.integer({ min: 0, max: 1 }), fc.integer({ min: 2, max: 60 }));
  const changes = fc.array(fc.record({ modseq: modseqs, gone: fc.boolean() }), {
    minLength: 1,
    maxLength: 40,
  });
  const start = fc.constantFrom(undefined, NEVER_FILLED);
  fc.assert(
    fc.property(
      changes,
      fc.integer({ min: 1, max: 10 }),
      fc.boolean(),
      start,
      (list, batch, sorted, begun) => {
        const order = sorted ? list.toSorted((a, b) => a.modseq - b.modseq) : list;
        const mailbox = lockedMailbox(
          inbox,
          order.map(({ modseq, gone }, i) => record(i + 1, modseq, { flags: gone ? ['\\Expunged'] : [] })),
        );
        const replica = new Map<number, IndexRecord>();
        const uploaded: number[] = [];
        let remote: ReplicaMailbox | undefined = begun && remoteOf(inbox, state(begun));
        for (let steps = 0; ; steps++) {
          assert.ok(steps <= order.length, 'ends');
          const delta = readDelta(mailbox, remote, batch);
          assert.equal(delta.coincidingUid, undefined);
          for (const one of delta.records) {
            const before = replica.get(one.uid);
            assert.ok(before || delta.uploads.includes(one), 'a new record is uploaded first');
            assert.ok((before?.modseq ?? 0) <= one.modseq, 'no modseq goes down');
            // No server changes a record that it has as expunged.
            if (!before?.flags.includes('\\Expunged')) replica.set(one.uid, one);
          }
          uploaded.push(...delta.uploads.map((one) => one.uid));
          const lineOptions = { partition: 'default', local: false };
          if (!delta.limit) break;
          assert.ok(delta.limit.modseq > (remote?.highestmodseq ?? 0), 'each step advances');
          remote = afterApplying(
            partialLine(mailbox, remote, delta.limit, lineOptions),
            remote,
            mailbox.state,
          );
        }
        assert.deepEqual(
          [...replica.values()].map((one) => one.modseq),
          order.map(({ modseq }) => modseq),
        );
        assert.deepEqual(uploaded, [...new Set(uploaded)]);
        assert.equal(uploaded.length, order.length);
      },
    ),
  );
});

test('SINCE names the state that the delta builds on, and is left out for a mailbox that is new there', () => {
  const mailbox = lockedMailbox(inbox, [record(1, 2)]);
  const options = { partition: 'default', local: false };
  assert.equal(mailboxLine(mailbox, undefined, options).since, undefined);
  const remote = remoteOf(inbox, state({ highestmodseq: 4, crcBasic: 5, crcAnnotations: 6 }));
  assert.deepEqual(mailboxLine(mailbox, remote, options).since, {
    modseq: 4,
    crcBasic: 5,
    crcAnnotations: 6,
  });
});
