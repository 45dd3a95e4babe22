import assert from 'node:assert/strict';
import test from 'node:test';
import { Failures } from '../../../src/replicate/outcomes/failures.ts';
import { SyncError } from '../../../src/report/sync-error.ts';

const refused = (code: 'IMAP_REMOTE_DENIED' | 'IMAP_MAILBOX_MOVED', retryable = true): SyncError =>
  new SyncError(code, 'NO', { family: 'refused', retryable });

test('of any number of refusals all count, and what holds for all is known of those that are not kept', async () => {
  const COUNT = 50_000;
  const failures = new Failures('anna');
  let most = 0;
  let running = 0;
  const items = Array.from({ length: COUNT }, (_, i) => i);
  const done = await failures.each('subscriptions', { window: async () => {} }, items, async (i) => {
    most = Math.max(most, ++running);
    await null;
    running--;
    throw refused('IMAP_MAILBOX_MOVED', i !== COUNT - 1);
  });
  assert.equal(done, false);
  assert.ok(most < COUNT / 2, `${most} at once`);
  assert.equal(failures.anyMoved, true);
  assert.equal(failures.retryable, false);
  assert.throws(() => failures.throwIfAny(), new RegExp(`and ${COUNT - 1} more failures`));
});

test('what the replica has elsewhere is told among failures of other kinds', () => {
  const failures = new Failures('anna');
  failures.add('sieve', refused('IMAP_REMOTE_DENIED'));
  assert.deepEqual([failures.anyMoved, [...failures.movedThere]], [false, []]);
  failures.add('apply', refused('IMAP_MAILBOX_MOVED'), 'user.anna');
  failures.add('apply', refused('IMAP_REMOTE_DENIED'), 'user.anna.New');
  assert.deepEqual([failures.anyMoved, [...failures.movedThere]], [true, ['user.anna']]);
});

test('a broken link ends the commands that were still to be sent', async () => {
  const failures = new Failures('anna');
  const broken = new SyncError('LINK_BROKEN', 'gone', { family: 'link' });
  let windows = 0;
  const window = async (): Promise<void> => {
    if (++windows > 3) throw broken;
  };
  let sent = 0;
  const each = failures.each('seen', { window }, [1, 2, 3, 4, 5], async () => {
    sent++;
    throw broken;
  });
  await assert.rejects(each, { code: 'LINK_BROKEN', user: 'anna', phase: 'seen' });
  assert.equal(sent, 3);
});

for (const [code, family] of [
  ['LINK_BROKEN', 'link'],
  ['CANCELLED', 'local'],
  ['TOO_MANY_FILES', 'local'],
] as const) {
  test(`what would meet every mailbox ends the job, and is a failure of none (${code})`, () => {
    const failures = new Failures('anna');
    const caught = new SyncError(code, 'no', { family });
    assert.throws(() => failures.add('apply', caught, 'user.anna'), { code, user: 'anna' });
    failures.throwIfAny();
  });
}
