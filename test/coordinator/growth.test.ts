import assert from 'node:assert/strict';
import test from 'node:test';
import { Growth } from '../../src/coordinator/growth.ts';
import { GROW_AFTER } from '../../src/coordinator/limits.ts';
import { VirtualClock } from '../rolling/virtual-clock.ts';

function scene(progress: { done: number; left: number }, limit: number) {
  const clock = new VirtualClock();
  const seen: number[] = [];
  const growth: Growth = new Growth(
    clock,
    () => progress,
    () => seen.push(growth.reached),
  );
  growth.setLimit(limit);
  return { growth, seen, pass: (intervals: number) => clock.advance(intervals * GROW_AFTER) };
}

test('twice as many connections at each interval, up to the limit, while much is left', async () => {
  const { growth, seen, pass } = scene({ done: 1, left: 1_000 }, 6);
  growth.resume();
  growth.resume();
  await pass(5);
  assert.deepEqual(seen, [2, 4, 6]);
});

test('none for what is done in less time than they would take', async () => {
  const progress = { done: 100, left: 100 };
  const { growth, seen, pass } = scene(progress, 8);
  growth.resume();
  await pass(3);
  assert.deepEqual(seen, []);
  progress.left = 1_000;
  await pass(1);
  assert.deepEqual(seen, [2]);
});

test('none while the replica is away', async () => {
  const { growth, seen, pass } = scene({ done: 0, left: 1 }, 8);
  growth.resume();
  growth.pause();
  await pass(3);
  assert.deepEqual(seen, []);
  growth.resume();
  await pass(1);
  assert.deepEqual(seen, [2]);
});
