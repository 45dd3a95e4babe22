import assert from 'node:assert/strict';
import test from 'node:test';
import { ReconnectBackoff } from '../../../src/coordinator/run/reconnect-backoff.ts';

function series(cap: number, length: number): number[] {
  const backoff = new ReconnectBackoff(cap);
  return Array.from({ length }, () => backoff.nextSeconds());
}

test('waits are those of the C client: 15, 30, 60 ... up to the cap, or without end for 0', () => {
  assert.deepEqual(series(20, 3), [15, 20, 20]);
  assert.deepEqual(series(1_200, 8), [15, 30, 60, 120, 240, 480, 960, 1_200]);
  assert.deepEqual(series(0, 9).at(-1), 3_840);
});

test('after a connection that worked the series begins anew', () => {
  const backoff = new ReconnectBackoff(1_200);
  backoff.nextSeconds();
  backoff.nextSeconds();
  backoff.reset();
  assert.equal(backoff.nextSeconds(), 15);
});
