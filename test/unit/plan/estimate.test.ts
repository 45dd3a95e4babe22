import assert from 'node:assert/strict';
import test from 'node:test';
import { estimateSeconds } from '../../../src/plan/estimate-seconds.ts';

const work = { octets: 1_000_000, messages: 500 };

test('whichever of link and replica is slower tells how long a run takes, and comparing comes on top', () => {
  const pace = (octetsPerSecond: number | undefined, messagesPerSecond: number | undefined) => ({
    octetsPerSecond,
    messagesPerSecond,
  });
  assert.equal(estimateSeconds(work, pace(100_000, undefined), 3), 13);
  assert.equal(estimateSeconds(work, pace(100_000, 10), 3), 53);
  assert.equal(estimateSeconds(work, pace(undefined, 10), 3), 53);
});

test('without a pace nothing is guessed, unless there is nothing to send', () => {
  const unknown = { octetsPerSecond: undefined, messagesPerSecond: undefined };
  assert.equal(estimateSeconds(work, unknown, 3), undefined);
  assert.equal(estimateSeconds({ octets: 0, messages: 0 }, unknown, 3), 3);
});
