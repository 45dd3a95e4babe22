import assert from 'node:assert/strict';
import test from 'node:test';
import { searchRate } from '../../rolling/search-rate.ts';

/** Keeps up with `most` changes a second, of which the load can make `load`. */
function tries(most: number, load = Number.POSITIVE_INFINITY) {
  const tried: number[] = [];
  const tryRate = async (rate: number) => {
    tried.push(rate);
    const achieved = Math.min(rate, load);
    return { keptUp: achieved <= most, achieved };
  };
  return { tried, tryRate };
}

test('the rate is doubled until it is too much, and then the gap is halved', async () => {
  const { tried, tryRate } = tries(100);
  assert.equal(await searchRate(20, tryRate), 100);
  assert.deepEqual(tried, [20, 40, 80, 160, 120, 100, 110]);
});

test('a first rate that is too much is halved', async () => {
  const { tried, tryRate } = tries(12);
  assert.equal(await searchRate(40, tryRate), 11.25);
  assert.deepEqual(tried, [40, 20, 10, 15, 12.5, 11.25]);
});

test('where the load can do no more, its rate is what was kept up with', async () => {
  const { tried, tryRate } = tries(1_000, 70);
  assert.equal(await searchRate(20, tryRate), 70);
  assert.deepEqual(tried, [20, 40, 80]);
});

test('who keeps up with nothing at all has no rate', async () => {
  assert.equal(await searchRate(20, tries(0).tryRate), 0);
});
