import assert from 'node:assert/strict';
import test from 'node:test';
import { readStep, type StepOptions } from '../../../src/replicate/folders/read-step.ts';
import { SyncError } from '../../../src/report/sync-error.ts';
import { entry, lockedMailbox, record } from '../../lab/engine-fakes.ts';

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
