import assert from 'node:assert/strict';
import test from 'node:test';
import { killAtEachCommand } from './kill-at-each-command.ts';
import { planOf } from './plan-of.ts';
import { Random } from './random.ts';
import { sentOverTwo } from './sent-over-two.ts';
import { simulate } from './simulate.ts';
import { spreadOut } from './spread-out.ts';

/** Fixed, so that a failure is this change's; fresh ones are `npm run sim -- --from N --seeds M`. */
const SEEDS = 60;

test(`nothing is lost, removed or left different in ${SEEDS} simulated sites`, async () => {
  const failed: string[] = [];
  let applied = 0;
  for (let seed = 1; seed <= SEEDS; seed += 1) {
    const { violations, history } = await simulate(planOf(seed, new Random(seed)));
    if (violations.length > 0) failed.push(`npm run sim -- --seed ${seed}: ${violations.join('\n  ')}`);
    applied += history.filter((line) => line.includes('-> APPLY MAILBOX')).length;
  }
  assert.deepEqual(failed, []);
  assert.ok(applied > SEEDS, 'the simulated sites have mail that is replicated');
});

/** Fewer, since each has more mail. */
const SPREAD_SEEDS = 20;

test(`nor in ${SPREAD_SEEDS} sites whose mailboxes are sent over two connections`, async () => {
  const failed: string[] = [];
  let overTwo = 0;
  for (let seed = 1; seed <= SPREAD_SEEDS; seed += 1) {
    const { violations, history } = await simulate(spreadOut(planOf(seed, new Random(seed))));
    if (violations.length > 0)
      failed.push(`npm run sim -- --spread --seed ${seed}: ${violations.join('\n  ')}`);
    if (sentOverTwo(history).length > 0) overTwo += 1;
  }
  assert.deepEqual(failed, []);
  assert.ok(overTwo > SPREAD_SEEDS / 2, `of ${overTwo} sites a mailbox is sent over two connections`);
});

/** Seeds of plans in which both sides change, and the master is written to several times. */
const MERGES = [211];

test('killed while any command of a merge is under way, the next run ends as if nothing had been', async () => {
  for (const seed of MERGES) {
    const { kills, violations } = await killAtEachCommand(planOf(seed, new Random(seed)));
    assert.deepEqual(violations, [], `npm run sim -- --kills --seed ${seed}`);
    assert.ok(kills > 20, `${kills} kills`);
  }
});

test('the same seed goes the same way, to the millisecond', async () => {
  const [first, second] = [
    await simulate(planOf(7, new Random(7))),
    await simulate(planOf(7, new Random(7))),
  ];
  assert.deepEqual(first, second);
});
