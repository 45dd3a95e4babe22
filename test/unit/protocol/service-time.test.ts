import assert from 'node:assert/strict';
import test from 'node:test';
import { ServiceTime } from '../../../src/protocol/link/service-time.ts';

test('the way to the replica and back is not its work, however many commands are under way', () => {
  const served = new ServiceTime();
  for (const submittedAt of [0, 0, 0, 0]) served.answered(submittedAt, 40);
  served.answered(50, 90);
  served.answered(100, 144);
  assert.equal(served.total, 0);
});

test('from one answer to the next it was at the next', () => {
  const served = new ServiceTime();
  for (const now of [40, 50, 55, 80]) served.answered(0, now);
  assert.equal(served.total, 35);
});

test('what one command took is known by itself, and the quickest way', () => {
  const served = new ServiceTime();
  assert.equal(served.wayMs, Number.POSITIVE_INFINITY);
  assert.deepEqual(
    [40, 50, 55].map((now) => served.answered(0, now)),
    [0, 5, 5],
  );
  assert.equal(served.wayMs, 40);
});

test('the way is that of the quickest answer, whenever in a run it came', () => {
  const served = new ServiceTime();
  served.answered(1_000, 1_500);
  assert.equal(served.wayMs, 500);
  served.answered(2_000, 2_040);
  assert.equal(served.wayMs, 40);
  served.answered(3_000, 3_090);
  assert.equal(served.wayMs, 40);
});
