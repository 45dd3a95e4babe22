import assert from 'node:assert/strict';
import test from 'node:test';
import { nextLockPauseMs } from '../../../src/native/next-lock-pause-ms.ts';

/** When a lock that stays held is asked for again, milliseconds since the first time. */
function asked(forMs: number): number[] {
  const times: number[] = [];
  let pauseMs = 1;
  for (let waited = 0; waited < forMs; waited += pauseMs, pauseMs = nextLockPauseMs(pauseMs, waited)) {
    times.push(waited);
  }
  return times;
}

function longestGap(times: readonly number[]): number {
  return Math.max(...times.slice(1).map((time, index) => time - (times[index] ?? 0)));
}

test('a lock that others pass among them is asked for every 10 milliseconds, as they leave it for so long', () => {
  assert.equal(longestGap(asked(5_000)), 10);
});

test('a lock that somebody keeps is asked for ten times a second at most', () => {
  const late = asked(60_000).filter((time) => time > 6_000);
  assert.ok(late.length <= 541, `${late.length} times`);
  assert.equal(longestGap(late), 100);
});
