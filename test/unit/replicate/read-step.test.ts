import assert from 'node:assert/strict';
import test from 'node:test';
import type { KnownMailbox } from '../../../src/replicate/compare/known-mailbox.ts';
import { readStep, type StepOptions, type StepReading } from '../../../src/replicate/folders/read-step.ts';
import { SyncError } from '../../../src/report/sync-error.ts';
import { basicCrc } from '../../../src/store/mailbox/checksums.ts';
import type { IndexRecord, MailboxState } from '../../../src/store/master-store.ts';
import { entry, lockedMailbox, record, remoteOf } from '../../lab/engine-fakes.ts';

const listed = entry('user.alice.Work');
const OPTIONS: StepOptions = {
  conversations: false,
  reverseacls: false,
  batchSize: 0,
  compareFirst: false,
  count: false,
};

for (const [what, fields] of [
  ['another mailbox has its name', { uniqueid: 'another' }],
  ['it has been moved to another partition', { partition: 'fast' }],
] as const) {
  test(`nothing is sent of a mailbox once ${what}`, () => {
    const now = lockedMailbox(entry('user.alice.Work', fields), [record(1, 5)]);
    assert.throws(
      () => readStep(now, listed, undefined, OPTIONS),
      (error) => error instanceof SyncError && error.code === 'IMAP_MAILBOX_MOVED' && error.retryable,
    );
  });
}

test('of the mailbox that was listed everything is sent', () => {
  const reading = readStep(lockedMailbox(listed, [record(1, 5)]), listed, undefined, OPTIONS);
  assert.ok(reading.kind === 'delta');
  assert.deepEqual(
    reading.delta.records.map(({ uid }) => uid),
    [1],
  );
});

/** A step of a mailbox whose checksum is that of its records, to a replica that has the first of them. */
function stepOf(
  records: readonly IndexRecord[],
  there: readonly IndexRecord[] | Partial<KnownMailbox>,
  state: Partial<MailboxState> = {},
  options: Partial<StepOptions> = {},
): StepReading {
  const exists = records.filter(({ flags }) => !flags.includes('\\Expunged')).length;
  const mailbox = lockedMailbox(listed, records, {
    crcBasic: basicCrc(records),
    crcAnnotations: 0,
    exists,
    ...state,
  });
  const remote = Array.isArray(there)
    ? { crcBasic: basicCrc(there), ...countersOf(there) }
    : (there as Partial<KnownMailbox>);
  return readStep(mailbox, listed, remoteOf(listed, mailbox.state, remote), { ...OPTIONS, ...options });
}

function countersOf(records: readonly IndexRecord[]): { lastUid: number; highestmodseq: number } {
  const highestmodseq = Math.max(...records.map(({ modseq }) => modseq));
  return { lastUid: records.at(-1)?.uid ?? 0, highestmodseq };
}

/** In short: what is sent, or why the two have to be merged. */
function inShort(reading: StepReading): string {
  if (reading.kind === 'delta') return `send ${reading.delta.records.map(({ uid }) => uid)}`;
  return reading.kind === 'diverged' ? reading.reason : reading.kind;
}

const [FIRST, SECOND, THIRD] = [record(1, 5), record(2, 6), record(3, 7)];

test('a mailbox that is the same on both sides has nothing to send, one with new messages these', () => {
  assert.equal(inShort(stepOf([FIRST, SECOND], [FIRST, SECOND])), 'unchanged');
  assert.equal(inShort(stepOf([FIRST, SECOND, THIRD], [FIRST])), 'send 2,3');
});

test('what a plain delta would lose, or would end in another checksum, is merged', () => {
  assert.equal(inShort(stepOf([FIRST], [FIRST, SECOND])), 'modseq-higher-on-replica');
  const coinciding = stepOf([FIRST, record(2, 6), record(3, 7)], {
    crcBasic: 1,
    lastUid: 1,
    highestmodseq: 6,
  });
  assert.equal(inShort(coinciding), 'modseq-coincides');
  assert.ok(coinciding.kind === 'diverged');
  assert.match(coinciding.detail, /^message 2 is missing/);
  const other = stepOf([FIRST, SECOND], { crcBasic: 12345, ...countersOf([FIRST]) });
  assert.equal(inShort(other), 'crc-differs-below-append');
  assert.ok(other.kind === 'diverged');
  assert.match(other.detail, /SYNC_CRC 12345 .* modseq 5$/);
});

test('messages that were cleaned up here are no reason to merge where the replica has just what was here before the new ones', () => {
  const cleaned = { deletedmodseq: 6 };
  assert.equal(inShort(stepOf([FIRST, THIRD], [FIRST], cleaned)), 'send 3');
  for (const there of [
    { crcBasic: basicCrc([FIRST, SECOND]), lastUid: 2, highestmodseq: 5 },
    { crcBasic: 0, ...countersOf([FIRST]) },
  ])
    assert.equal(inShort(stepOf([FIRST, THIRD], there, cleaned)), 'cleaned-up-on-master');
  const inSteps = stepOf([FIRST, THIRD, record(4, 9), record(5, 10)], [FIRST], cleaned, { batchSize: 2 });
  assert.equal(inShort(inSteps), 'cleaned-up-on-master', 'a step tells no checksum');
});

test('messages that were cleaned up before the first of our own steps are no reason to merge in those that follow, and later ones are', () => {
  const records = [FIRST, THIRD, record(4, 9), record(5, 10), record(6, 11)];
  const ours = { crcBasic: 0, crcAnnotations: 0, ...countersOf([FIRST, THIRD]), cleanedUpTo: 8 };
  for (const batchSize of [2, 0]) {
    const sent = batchSize === 0 ? 'send 4,5,6' : 'send 4,5';
    assert.equal(inShort(stepOf(records, ours, { deletedmodseq: 8 }, { batchSize })), sent);
    assert.equal(inShort(stepOf(records, ours, { deletedmodseq: 9 }, { batchSize })), 'cleaned-up-on-master');
  }
});

test('in steps nothing is foreseen of the checksum, and each has what comes before its end', () => {
  const records = [FIRST, SECOND, THIRD, record(4, 8), record(5, 9)];
  const step = stepOf(records, { crcBasic: 12345, ...countersOf([FIRST]) }, {}, { batchSize: 2 });
  assert.equal(inShort(step), 'send 2,3');
  assert.ok(step.kind === 'delta');
  assert.deepEqual(step.delta.limit, { uid: 3, modseq: 7 });
});

test('all records go along where old ones change and nobody may mend the master, and only there', () => {
  const changed = record(1, 9, { flags: ['\\Seen'] });
  const oursOf = (records: readonly IndexRecord[], options: Partial<StepOptions>): number[] | undefined => {
    const reading = stepOf(records, [FIRST, SECOND], {}, options);
    assert.ok(reading.kind === 'delta');
    return reading.ours?.map(({ uid }) => uid);
  };
  assert.deepEqual(oursOf([changed, SECOND, THIRD], { compareFirst: true }), [1, 2, 3]);
  assert.deepEqual(oursOf([FIRST, record(2, 9), THIRD], { compareFirst: true }), [1, 2, 3]);
  assert.equal(oursOf([changed, SECOND, THIRD], {}), undefined);
  assert.equal(oursOf([FIRST, SECOND, THIRD], { compareFirst: true }), undefined);
  const inSteps = [changed, SECOND, THIRD, record(4, 10)];
  assert.equal(oursOf(inSteps, { compareFirst: true, batchSize: 1 }), undefined);
});

test('a checksum in the index that is not that of the records is told of where these are counted, and theirs is sent', () => {
  const records = [FIRST, SECOND];
  const counted = stepOf(records, [FIRST], { crcBasic: 12345 }, { count: true });
  assert.equal(inShort(counted), 'send 2');
  assert.ok(counted.kind === 'delta');
  assert.equal(counted.local.state.crcBasic, basicCrc(records));
  assert.equal(counted.state.crcBasic, 12345);
  assert.deepEqual(counted.stale, {
    kind: 'mailbox:checksum-stale',
    name: listed.name,
    stored: { crcBasic: 12345, crcAnnotations: 0 },
    counted: { crcBasic: basicCrc(records), crcAnnotations: 0 },
  });
  assert.equal(inShort(stepOf(records, [FIRST], { crcBasic: 12345 })), 'crc-differs-below-append');
  assert.equal(stepOf(records, [FIRST], {}, { count: true }).stale, undefined);
});
