import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { fleetLines } from '../../../src/cli/carry-out/fleet-lines.ts';
import { readFleetNotes } from '../../../src/fleet/fleet-notes.ts';
import type { FleetSlice } from '../../../src/fleet/fleet-slice.ts';
import type { FleetPlan } from '../../../src/fleet/planner/fleet-plan.ts';
import { parseFleetPlan } from '../../../src/fleet/planner/parse-fleet-plan.ts';
import { EmbeddedQueue } from '../../../src/fleet/queue/embedded-queue.ts';
import { DEFAULT_RULES, type FleetQueue } from '../../../src/fleet/queue/fleet-queue.ts';
import { startFleet } from '../../../src/fleet/start-fleet.ts';
import { type FleetView, fleetView } from '../../../src/fleet/state/fleet-view.ts';
import { SyncError } from '../../../src/report/sync-error.ts';
import { isKilled, killedBefore } from './killed-before.ts';
import { planOf } from './plan-of.ts';
import { LANE, resultOf, sliceOf, slicesOf } from './slices.ts';

test('to start a plan again adds what is missing and leaves limits as the operator has set them', async () => {
  await using scene = await queueScene();
  await scene.queue.add(slicesOf(2));
  await scene.queue.limit('replica/r1', 9);
  assert.deepEqual(await startFleet(scene.queue, planOf(3), false), { slices: 3, known: 2 });
  assert.deepEqual(await startFleet(scene.queue, planOf(3), false), { slices: 3, known: 3 });
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

test('a plan that is added counts whom it brings, and the fleet is done when all are proven', async () => {
  await using scene = await queueScene();
  await startFleet(scene.queue, planOf(2), false);
  await workOff(scene.queue);
  await startFleet(scene.queue, planOf(4), true);
  assert.deepEqual(await standing(scene.queue), ['waiting', 8, 4]);
  await workOff(scene.queue);
  assert.deepEqual(await standing(scene.queue), ['done', 8, 8]);
});

test('whoever is on the queue is in no other slice of a plan that is added, and nothing of that plan is begun', async () => {
  await using scene = await queueScene();
  await startFleet(scene.queue, planOf(2), false);
  const [first] = slicesOf(1);
  assert.ok(first);
  const mistakes: [slice: FleetSlice, told: RegExp][] = [
    [
      { ...sliceOf('other'), users: ['new', 's1-bob'] },
      /users who are on no slice yet, found "s1-bob" of other in s1/,
    ],
    [{ ...first, users: ['s0-anna'] }, /slice s0 as it is on the queue, found it without "s0-bob"/],
    [{ ...first, users: [...first.users, 'new'] }, /slice s0 as it is on the queue, found "new" in it, too/],
  ];
  for (const [slice, told] of mistakes) {
    await assert.rejects(
      startFleet(scene.queue, planWith([sliceOf('new'), slice]), true),
      (error) => error instanceof SyncError && error.code === 'USAGE' && told.test(error.message),
    );
  }
  assert.equal((await scene.queue.slices()).length, 2);
  await workOff(scene.queue);
  assert.deepEqual(await standing(scene.queue), ['done', 4, 4]);
});

test('of two plans that are started at the same moment none moves anybody whom the other moves', async () => {
  for (const more of [false, true]) {
    await using scene = await queueScene();
    if (more) await startFleet(scene.queue, planOf(1), false);
    const other = planWith([{ ...sliceOf('other'), users: ['s2-anna', 'new'] }]);
    const first = () => startFleet(scene.queue, planOf(3), more);
    const ends = await Promise.allSettled([first(), startFleet(scene.queue, other, more)]);
    for (const end of ends) {
      if (end.status === 'fulfilled') continue;
      assert.ok(end.reason instanceof SyncError);
      assert.deepEqual([end.reason.code, /call it again/.test(end.reason.hint ?? '')], ['USAGE', true]);
    }
    const users = (await scene.queue.slices()).flatMap(({ slice }) => slice.users);
    assert.equal(new Set(users).size, users.length);
    // Whoever began nothing has left nothing in the way either.
    assert.equal((await first()).slices, 3);
  }
});

test('nothing is added as long as another plan is not whole on the queue, as nobody can tell whom that moves', async () => {
  await using scene = await queueScene();
  await startFleet(scene.queue, planOf(1), false);
  const late = planWith([{ ...sliceOf('late'), users: ['s2-anna'] }]);
  for (let word = 1; ; word += 1) {
    const killed = await isKilled(startFleet(killedBefore(word)(scene.queue), planOf(3), true));
    const { plans } = await readFleetNotes(scene.queue);
    if (plans.length > 1) {
      await assert.rejects(
        startFleet(scene.queue, late, true),
        (error) =>
          error instanceof SyncError &&
          error.code === 'USAGE' &&
          /found \d+ of their users on no slice|no slice yet, found "s2-anna"/.test(error.message),
        `killed before word ${word}`,
      );
    }
    if (!killed) break;
  }
  await workOff(scene.queue);
  assert.deepEqual(await standing(scene.queue), ['done', 6, 6]);
});

test('users whom somebody took out of a plan before it was started are not waited for', async () => {
  await using scene = await queueScene();
  const [first, second] = slicesOf(2);
  assert.ok(first && second);
  const plan = planWith([first, { ...second, users: ['s1-anna'] }]);
  assert.notEqual(plan.waves[0]?.users, 3);
  await startFleet(scene.queue, plan, false);
  await workOff(scene.queue);
  assert.deepEqual(await standing(scene.queue), ['done', 3, 3]);
});

test('a plan that is added and was killed before any word to the queue is made whole by the next one, and told of as not whole', async () => {
  for (let word = 1; ; word += 1) {
    await using scene = await queueScene();
    await startFleet(scene.queue, planOf(2), false);
    const killed = await isKilled(startFleet(killedBefore(word)(scene.queue), planOf(4), true));
    const view = await lookAt(scene.queue);
    const { onNoSlice, users } = view;
    const line = fleetLines(view).find((each) => each.includes('on no slice'));
    assert.equal(line?.trim().slice(0, 25), onNoSlice > 0 ? 'on no slice yet: 4 users;' : undefined);
    assert.equal(
      onNoSlice,
      users.all - 2 * (await scene.queue.slices()).length,
      `killed before word ${word}`,
    );
    await startFleet(scene.queue, planOf(4), true);
    await workOff(scene.queue);
    assert.deepEqual(await standing(scene.queue), ['done', 8, 8], `killed before word ${word}`);
    if (!killed) break;
  }
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
    edited('waves.0.slices.1', { ...sliceOf('s0'), users: ['new'] }, /one slice of each id, found s0 twice/),
    edited(
      'waves.0.slices.0.id',
      undefined,
      /id of a slice to be letters, digits, ., - and _, found nothing/,
    ),
    edited('waves.0.slices.0.id', 'x'.repeat(300), /expected id of slice x+ to be letters/),
    edited('waves.0.slices.0.users', ['', 'a'], /users of slice s0 to be a list of users, found \["","a"\]/),
    edited('waves.0.slices.0.round', '1', /round of slice s0 to be a whole number from 1 on, found "1"/),
    edited('waves.0.name', 'renamed', /expected slice s0 to be of wave renamed, found "all"/),
    edited('waves.0.slices', [], /expected slices with users, found none/),
    edited('waves.1', { ...planOf(1).waves[0], slices: [] }, /one wave of each name, found all twice/),
    edited(
      'replicas.0.slices',
      undefined,
      /slices of replica r1 to be a whole number from 1 on, found nothing/,
    ),
    edited('replicas.0.server', '', /server of replica r1 to be text, found ""/),
    edited(
      'masters.0.hours',
      { from: 60, to: 1_440 },
      /hours of master m1 to be from and to, .*, found \{"from":60/,
    ),
    edited('masters.0.name', '../m1', /name of master ..\/m1 to be letters, digits, - and _, found "..\/m1"/),
    [text.replace('"s0-bob"', '"s0-anna"'), /each user once, found "s0-anna" in the slices s0 and s0/],
  ];
  for (const [wrong, told] of mistakes) {
    assert.throws(
      () => parseFleetPlan(wrong, 'plan.json'),
      (error) => error instanceof SyncError && told.test(error.message) && !error.message.includes('\n'),
    );
  }
});

/** A plan after somebody has put something else at a place of it, and what is to be said of that. */
function edited(place: string, value: unknown, told: RegExp): [text: string, told: RegExp] {
  const plan = structuredClone(planOf(1));
  const keys = place.split('.');
  const last = keys.pop() ?? '';
  let part: object = plan;
  for (const key of keys) part = Reflect.get(part, key);
  Reflect.set(part, last, value);
  return [JSON.stringify(plan), told];
}

function planWith(slices: readonly FleetSlice[]): FleetPlan {
  const plan = planOf(slices.length);
  return { ...plan, waves: plan.waves.map((wave) => ({ ...wave, slices })) };
}

/** Has all that waits done, and everybody proven. */
async function workOff(queue: FleetQueue): Promise<void> {
  for (;;) {
    const claim = await queue.claim([LANE], 'agent');
    if (claim === undefined) return;
    assert.ok(await claim.finish(resultOf(claim.slice)));
  }
}

async function lookAt(queue: FleetQueue): Promise<FleetView> {
  return fleetView(await queue.slices(), await readFleetNotes(queue), await queue.gates(), Date.now());
}

async function standing(queue: FleetQueue): Promise<[standing: string, all: number, proven: number]> {
  const { standing, users } = await lookAt(queue);
  return [standing, users.all, users.proven];
}

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
