import assert from 'node:assert/strict';
import test from 'node:test';
import { Rests } from '../../../src/store/mailbox/rests.ts';

/** More turns than there are in a rest that is over: one that is not takes a timer. */
const TURNS = 10;

/** Tells whether the rest after so many attempts in a row is over by then, on a clock that the test moves. */
async function isOver(attempt: number, atMs: number, { mock }: test.TestContext): Promise<boolean> {
  let nowMs = 0;
  mock.method(Math, 'random', () => 0.5);
  mock.method(performance, 'now', () => nowMs);
  const rests = new Rests();
  rests.begin('anna', attempt);
  nowMs = atMs;
  let over = false;
  const rest = rests.over('anna').then(() => {
    over = true;
  });
  for (let turn = 0; turn < TURNS; turn += 1) await Promise.resolve();
  const found = over;
  await rest;
  mock.restoreAll();
  return found;
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
