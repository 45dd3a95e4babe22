import assert from 'node:assert/strict';
import test from 'node:test';
import { OUT_OF_FILES_SECONDS, REFUSED_PAUSE_MS } from '../../../src/coordinator/limits.ts';
import { Throttle } from '../../../src/rolling/daemon/throttle.ts';

const { first } = OUT_OF_FILES_SECONDS;

test('short of files: a pause, half as many, the next pause twice as long, and all again after a minute', () => {
  const throttle = new Throttle(8);
  assert.deepEqual([throttle.parallel(0), throttle.pausedUntil], [8, Number.NEGATIVE_INFINITY]);
  assert.equal(throttle.ranShort(1_000), first);
  const pausedUntil = 1_000 + first * 1_000;
  assert.deepEqual([throttle.parallel(1_001), throttle.pausedUntil], [4, pausedUntil]);
  assert.equal(throttle.ranShort(pausedUntil - 1), undefined, 'they began at the same time');
  assert.equal(throttle.parallel(pausedUntil), 4);

  assert.equal(throttle.ranShort(pausedUntil), 2 * first);
  assert.equal(throttle.parallel(pausedUntil + 1), 2);
  for (let count = 0; count < 5; count++) throttle.ranShort(throttle.pausedUntil);
  assert.equal(throttle.parallel(throttle.pausedUntil), 1, 'one is tried always');

  const over = throttle.pausedUntil + REFUSED_PAUSE_MS;
  assert.equal(throttle.parallel(over - 1), 1);
  assert.equal(throttle.parallel(over), 8);
  assert.equal(throttle.ranShort(over), first, 'the first of a row again');
});

test('more may run at once as soon as that is asked for', () => {
  const throttle = new Throttle(8);
  throttle.ranShort(0);
  throttle.setMost(20);
  assert.equal(throttle.parallel(1), 20);
  throttle.setMost(3);
  assert.equal(throttle.parallel(1), 3);
});
