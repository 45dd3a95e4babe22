import assert from 'node:assert/strict';
import test from 'node:test';
import { TimeLeft } from '../../../src/operate/state/time-left.ts';

test('the time left is right at every point of an even run, and soon after a slow beginning', () => {
  const even = new TimeLeft();
  for (let seconds = 1; seconds < 1_000; seconds++) {
    const left = even.estimate(seconds, seconds / 1_000) ?? Number.NaN;
    assert.ok(Math.abs(left - (1_000 - seconds)) < 1, `at ${seconds}: ${left}`);
  }
  // A hundred seconds at a tenth of the pace, then four hundred at full pace.
  const slow = new TimeLeft();
  const done = (seconds: number): number => Math.min(seconds, 100) / 4_100 + Math.max(0, seconds - 100) / 410;
  for (let seconds = 1; seconds <= 500; seconds++) {
    const left = slow.estimate(seconds, done(seconds)) ?? Number.NaN;
    if (seconds >= 200) assert.ok(Math.abs(left - (500 - seconds)) < 2, `at ${seconds}: ${left}`);
  }
  assert.equal(new TimeLeft().estimate(5, 0), undefined);
});
