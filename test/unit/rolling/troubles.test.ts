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
    const { until, times: counted } = troubles.failed('uanna', 1_000, refused);
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
  assert.equal(troubles.failed('uanna', 0, refused).times, 1);
});

test('a lock ends the row of failures, and does not quarantine however often it is met', () => {
  const troubles = new Troubles(middle);
  troubles.failed('uanna', 0, refused);
  for (let times = 1; times <= 2 * QUARANTINE_AFTER; times += 1) {
    const { kind, times: counted, until } = troubles.locked('uanna', 0);
    assert.deepEqual([kind, counted], ['locked', times]);
    assert.ok(until > 0 && until <= LOCKED_LONGEST_MS * 2);
  }
  assert.deepEqual([troubles.quarantined(), troubles.lockedCount()], [[], 1]);
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
  assert.deepEqual(troubles.get('ubob'), { kind: 'failing', times: 2, until: 7, error: linkError });
});

test('one who is not to wait any longer goes at once, and stays as often in trouble as before', () => {
  const troubles = new Troubles(middle);
  assert.equal(troubles.tryNow('uanna', 7), false);
  assert.equal(troubles.get('uanna'), undefined);
  troubles.failed('uanna', 0, refused);
  assert.equal(troubles.tryNow('uanna', 7), true);
  assert.deepEqual(troubles.get('uanna'), { kind: 'failing', times: 1, until: 7, error: refused });
});
