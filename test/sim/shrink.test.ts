import assert from 'node:assert/strict';
import test from 'node:test';
import type { Plan } from './plan.ts';
import { planOf } from './plan-of.ts';
import { Random } from './random.ts';
import { shrink } from './shrink.ts';

/** One with many steps of which two matter. */
function planWith(kinds: readonly string[]): Plan {
  for (let seed = 1; ; seed += 1) {
    const plan = planOf(seed, new Random(seed));
    if (plan.users.length > 2 && plan.steps.length > 20 && kinds.every((kind) => has(plan, kind)))
      return plan;
  }
}

function has({ steps }: Plan, kind: string): boolean {
  return steps.some((step) => step.kind === kind);
}

test('a plan that fails is left with what it fails of', async () => {
  const plan = planWith(['kill', 'lock']);
  const fails = async (candidate: Plan): Promise<boolean> =>
    has(candidate, 'kill') && has(candidate, 'lock') && candidate.users.length > 1;
  const { steps, users, connections } = await shrink(plan, fails);
  assert.deepEqual(steps.map(({ kind }) => kind).sort(), ['kill', 'lock']);
  assert.deepEqual(users, [0, 0]);
  assert.equal(connections, 1);
});

test('no more simulations are made than a plan is worth', async () => {
  let attempts = 0;
  const fails = async (): Promise<boolean> => {
    attempts += 1;
    return true;
  };
  await shrink(planWith(['edit']), fails, 5);
  assert.equal(attempts, 5);
});
