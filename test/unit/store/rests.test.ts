import assert from 'node:assert/strict';
import test from 'node:test';
import { Rests } from '../../../src/store/mailbox/rests.ts';
import { mockNowMs } from '../../lab/mock-now-ms.ts';

/** More turns than there are in a rest that is over: one that is not takes a timer. */
const TURNS = 10;

/**
 * Tells whether the rest after so many attempts in a row is over by then, on a clock that the test moves.
 *
 * @param attempt or those of several readers, one after the other
 */
async function isOver(
  attempt: number | readonly number[],
  atMs: number,
  { mock }: test.TestContext,
): Promise<boolean> {
  let nowMs = 0;
  mock.method(Math, 'random', () => 0.5);
  mockNowMs(mock, () => nowMs);
  const rests = new Rests();
  for (const each of [attempt].flat()) rests.begin('anna', each);
  assert.equal(await isSettled(rests.over('bert')), true, 'nobody else rests');
  assert.equal(await isSettled(rests.over(undefined)), true);
  nowMs = atMs;
  const rest = rests.over('anna');
  const found = await isSettled(rest);
  await rest;
  assert.equal(await isSettled(rests.over('anna')), true, 'it is over for all');
  mock.restoreAll();
  return found;
}

async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  let settled = false;
  void promise.then(() => {
    settled = true;
  });
  for (let turn = 0; turn < TURNS; turn += 1) await Promise.resolve();
  return settled;
}

test('the rest of an owner is short at first, and longer with each attempt in a row, up to half a second', async (context) => {
  for (const [attempt, restMs] of [
    [1, 50],
    [2, 75],
    [3, 113],
    [99, 500],
  ] as const) {
    assert.equal(await isOver(attempt, restMs, context), true, `attempt ${attempt}`);
    assert.equal(await isOver(attempt, restMs - 2, context), false, `attempt ${attempt}, before`);
  }
});

test('of the rests of several readers of one owner the one that ends last counts', async (context) => {
  for (const attempts of [
    [2, 1],
    [1, 2],
    [1, 2, 1],
  ]) {
    assert.equal(await isOver(attempts, 75, context), true);
    assert.equal(await isOver(attempts, 73, context), false);
  }
});
