import assert from 'node:assert/strict';
import test from 'node:test';
import { SyncError } from '../../../src/report/sync-error.ts';
import {
  BACKOFF_FIRST_MS,
  BACKOFF_LONGEST_MS,
  LOCKED_LONGEST_MS,
  QUARANTINE_AFTER,
} from '../../../src/rolling/limits.ts';
import { Troubles } from '../../../src/rolling/queue/troubles.ts';
import { linkError } from './site.ts';

const refused = new SyncError('IMAP_REMOTE_DENIED', 'no', { family: 'refused' }).toData();
/** In the middle: a pause is neither longer nor shorter than its length. */
const middle = (): number => 0.5;

test('who fails waits twice as long each time, up to the longest, and is in quarantine after some times', () => {
  const troubles = new Troubles(middle);
  const waits: number[] = [];
  for (let times = 1; times <= 15; times += 1) {
    const { until, failures: counted } = troubles.failed('uanna', 1_000, refused);
    assert.equal(counted, times);
    waits.push(until - 1_000);
    assert.equal(troubles.until(['uanna', 'ubob'], false), until);
    assert.equal(troubles.quarantined().length, times >= QUARANTINE_AFTER ? 1 : 0);
  }
  const [first = 0] = waits;
  for (const [index, wait] of waits.entries()) {
    const most = BACKOFF_LONGEST_MS * (first / BACKOFF_FIRST_MS);
    assert.equal(wait, Math.min(first * 2 ** index, most));
  }
  assert.equal(troubles.until(['ubob'], false), Number.NEGATIVE_INFINITY);
});

test('one success is the end of all trouble, and of a quarantine it is told', () => {
  const troubles = new Troubles(middle);
  assert.equal(troubles.succeeded('uanna'), false);
  troubles.failed('uanna', 0, refused);
  assert.equal(troubles.succeeded('uanna'), false);
  for (let times = 0; times < QUARANTINE_AFTER; times += 1) troubles.failed('uanna', 0, refused);
  assert.equal(troubles.succeeded('uanna'), true);
  assert.equal(troubles.get('uanna'), undefined);
  assert.equal(troubles.failed('uanna', 0, refused).failures, 1);
});

test('a lock neither counts as a failure nor ends the row of them, however often it is met', () => {
  const troubles = new Troubles(middle);
  troubles.failed('uanna', 0, refused);
  for (let locks = 1; locks <= 2 * QUARANTINE_AFTER; locks += 1) {
    const trouble = troubles.locked('uanna', 0);
    assert.deepEqual([trouble.kind, trouble.failures, trouble.locks], ['locked', 1, locks]);
    assert.ok(trouble.until > 0 && trouble.until <= LOCKED_LONGEST_MS * 2);
  }
  assert.deepEqual([troubles.quarantined(), troubles.lockedCount()], [[], 1]);
  assert.deepEqual([troubles.failed('uanna', 0, refused).failures, troubles.lockedCount()], [2, 0]);
  assert.equal(troubles.locked('uanna', 0).locks, 1);
});

test('who meets a lock in quarantine is in it still, with the pause of one and the reason of the other', () => {
  const troubles = new Troubles(middle);
  for (let times = 0; times < 2 * QUARANTINE_AFTER; times += 1) troubles.failed('uanna', 0, refused);
  const { until } = troubles.locked('uanna', 0);
  assert.ok(until <= LOCKED_LONGEST_MS);
  const [[node, { failures, error }] = ['', { failures: 0, error: undefined }]] = troubles.quarantined();
  assert.deepEqual([node, failures, error], ['uanna', 2 * QUARANTINE_AFTER, refused]);
  assert.ok(troubles.failed('uanna', 0, refused).until > until, 'the back-off goes on where it was');
  troubles.locked('uanna', 0);
  assert.equal(troubles.succeeded('uanna'), true);
  assert.deepEqual(troubles.quarantined(), []);
});

test('one who may break connections is not taken for innocent because a lock came between', () => {
  const troubles = new Troubles(middle);
  troubles.failed('uanna', 0, linkError);
  troubles.locked('uanna', 0);
  assert.equal(troubles.mayBreak(['uanna']), true);
});

test('a suspect waits among others, and not apart; whoever may break a connection is known', () => {
  const troubles = new Troubles(middle);
  const { until } = troubles.suspected('uanna', 0, linkError);
  assert.ok(until > 0);
  assert.equal(troubles.until(['uanna'], false), until);
  assert.equal(troubles.until(['uanna'], true), Number.NEGATIVE_INFINITY);
  troubles.failed('ubob', 0, refused);
  troubles.failed('ucarl', 0, linkError);
  assert.deepEqual(
    ['uanna', 'ubob', 'ucarl', 'unobody'].map((node) => troubles.mayBreak([node])),
    [true, false, true, false],
  );
  assert.equal(troubles.mayBreak(['ubob', 'uanna']), true);
});

test('one for whom it is known what to leave out goes at once, as a suspect if nothing was known before', () => {
  const troubles = new Troubles(middle);
  troubles.tryAtOnce('uanna', 7, linkError);
  assert.equal(troubles.get('uanna')?.kind, 'suspect');
  troubles.failed('ubob', 7, refused);
  troubles.failed('ubob', 7, refused);
  troubles.tryAtOnce('ubob', 7, linkError);
  assert.deepEqual(troubles.get('ubob'), {
    ...{ kind: 'failing', failures: 2, locks: 0, until: 7, error: linkError },
  });
});

test('one who is not to wait any longer goes at once, and stays as often in trouble as before', () => {
  const troubles = new Troubles(middle);
  assert.equal(troubles.tryNow('uanna', 7), false);
  assert.equal(troubles.get('uanna'), undefined);
  troubles.failed('uanna', 0, refused);
  assert.equal(troubles.tryNow('uanna', 7), true);
  assert.deepEqual(troubles.get('uanna'), {
    ...{ kind: 'failing', failures: 1, locks: 0, until: 7, error: refused },
  });
});
