import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { parseFleetPlan } from '../../../src/fleet/planner/parse-fleet-plan.ts';
import { EmbeddedQueue } from '../../../src/fleet/queue/embedded-queue.ts';
import { DEFAULT_RULES } from '../../../src/fleet/queue/fleet-queue.ts';
import { startFleet } from '../../../src/fleet/start-fleet.ts';
import { SyncError } from '../../../src/report/sync-error.ts';
import { planOf } from './plan-of.ts';
import { slicesOf } from './slices.ts';

test('to start a plan again adds what is missing and leaves limits as the operator has set them', async () => {
  await using scene = await queueScene();
  assert.deepEqual(await startFleet(scene.queue, planOf(3), false), { slices: 3, known: 0 });
  await scene.queue.limit('replica/r1', 9);
  await scene.queue.withdraw(slicesOf(3)[1] ?? assert.fail());
  assert.deepEqual(await startFleet(scene.queue, planOf(3), false), { slices: 3, known: 2 });
  assert.equal((await scene.queue.gates()).find(({ name }) => name === 'replica/r1')?.limit, 9);
});

test('another plan is refused where one was started, and may be added', async () => {
  await using scene = await queueScene();
  await startFleet(scene.queue, planOf(2), false);
  await assert.rejects(
    startFleet(scene.queue, planOf(4), false),
    (error) =>
      error instanceof SyncError && error.code === 'USAGE' && /fleet add PLAN/.test(error.hint ?? ''),
  );
  assert.equal((await scene.queue.slices()).length, 2);
  assert.deepEqual(await startFleet(scene.queue, planOf(4), true), { slices: 4, known: 2 });
});

test('a plan that is none, or names a master that is not in it, is refused in one line', () => {
  const text = JSON.stringify(planOf(1));
  assert.deepEqual(parseFleetPlan(text, 'plan.json'), planOf(1));
  const mistakes: [text: string, told: RegExp][] = [
    ['', /^plan.json: expected the plan of a fleet, as JSON/],
    ['null', /expected cyrus-sync-fleet-plan, version 1, found none, none/],
    [text.replace('"version":1', '"version":2'), /version 1, found cyrus-sync-fleet-plan, 2/],
    [
      text.replaceAll('"master":"m1"', '"master":"m9"'),
      /slice s0 to name a master of the plan \(m1\), found "m9"/,
    ],
    [
      text.replaceAll('"replica":"r1"', '"replica":"r9"'),
      /slice s0 to name a replica of the plan \(r1\), found "r9"/,
    ],
  ];
  for (const [wrong, told] of mistakes) {
    assert.throws(
      () => parseFleetPlan(wrong, 'plan.json'),
      (error) => error instanceof SyncError && told.test(error.message) && !error.message.includes('\n'),
    );
  }
});

async function queueScene() {
  const directory = await mkdtemp(join(tmpdir(), 'fleet-start-'));
  const queue = await EmbeddedQueue.open(directory, DEFAULT_RULES);
  return {
    queue,
    async [Symbol.asyncDispose](): Promise<void> {
      await queue[Symbol.asyncDispose]();
      await rm(directory, { recursive: true });
    },
  };
}
