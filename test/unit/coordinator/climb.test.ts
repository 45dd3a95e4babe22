import assert from 'node:assert/strict';
import test from 'node:test';
import { Climb } from '../../../src/coordinator/run/climb.ts';

/** @returns the numbers of connections that a replica with this rate leads to */
function climbed(rate: (connections: number) => number, looks: number, from = 4): number[] {
  const climb = new Climb();
  const reached = [from];
  for (let look = 0; look < looks; look++) {
    const now = reached.at(-1) ?? from;
    reached.push(climb.next(now, rate(now)));
  }
  return reached;
}

test('up as long as the rate rises', () => {
  assert.deepEqual(
    climbed((connections) => connections, 4),
    [4, 6, 9, 14, 21],
  );
});

test('a rate that stays says to stay', () => {
  assert.deepEqual(
    climbed((connections) => Math.min(connections, 6), 5),
    [4, 6, 9, 9, 9, 9],
  );
});

test('a rate that falls says to go back, and to try again only after a while', () => {
  const reached = climbed((connections) => 100 / connections, 14);
  assert.deepEqual(reached.slice(0, 4), [4, 6, 4, 4]);
  assert.equal(reached.filter((connections) => connections === 6).length, 2);
});
