import assert from 'node:assert/strict';
import test from 'node:test';
import {
  AUTO_FIRST,
  CLIMB_AFTER_MS,
  GROW_AFTER_MS,
  LOOKS_FOR_CONNECTIONS,
  LOOKS_FOR_THREAD,
  LOOKS_TO_CONNECT,
  MEASURE_AFTER_MS,
  REFUSED_PAUSE_MS,
  WORTH_CONNECTING_MS,
} from '../../../src/coordinator/limits.ts';
import { Growth, type WantedConnections } from '../../../src/coordinator/run/growth.ts';
import { VirtualClock } from '../../lab/virtual-clock.ts';

function scene(wanted: WantedConnections, limit: number) {
  const clock = new VirtualClock();
  const progress = { done: 1, left: 100_000, useful: 100_000, work: 0 };
  const load = { thisThread: 0.1, idleProcessors: 1 };
  const looks = { number: 0 };
  const seen: number[] = [];
  /** undefined: all that are allowed. */
  const up: { open?: number } = {};
  const growth: Growth = new Growth(wanted, {
    clock,
    progress: () => progress,
    load: () => {
      looks.number += 1;
      return load;
    },
    open: () => up.open ?? growth.allowance.connections,
    onChange: () => seen.push(growth.allowance.connections),
  });
  growth.setLimit(limit, 'asked');
  return {
    growth,
    progress,
    load,
    looks,
    up,
    seen,
    clock,
    pass: (intervals: number) => clock.advance(intervals * GROW_AFTER_MS),
  };
}

test('all that the operator gave as soon as much is seen to be left', async () => {
  const { growth, seen, pass } = scene(6, 6);
  growth.resume();
  growth.resume();
  await pass(5);
  assert.deepEqual(seen, [6]);
  assert.equal(growth.allowance.threads, false);
});

test('load is measured for a run that is not over at once, from shortly after the replica is there', async () => {
  const { growth, looks, clock } = scene('auto', 64);
  growth.resume();
  await clock.advance(MEASURE_AFTER_MS - 1);
  assert.equal(looks.number, 0);
  await clock.advance(1);
  assert.equal(looks.number, 1);
  growth.pause();
  await clock.advance(10 * GROW_AFTER_MS);
  assert.equal(looks.number, 1, 'it is over');
});

test('auto has several times as many at each interval, to be there soon', async () => {
  const { growth, seen, pass } = scene('auto', 64);
  growth.resume();
  await pass(3);
  assert.deepEqual(seen, [4, 16, AUTO_FIRST]);
});

test('where no processor is idle, only a thread that hardly works gets more connections', async () => {
  const { growth, load, pass } = scene('auto', 64);
  Object.assign(load, { thisThread: 0.3, idleProcessors: 0.1 });
  growth.resume();
  await pass(LOOKS_FOR_CONNECTIONS);
  assert.equal(growth.allowance.connections, 1);
  assert.equal(growth.why, 'host-busy');
  load.thisThread = 0.05;
  await pass(3);
  assert.equal(growth.allowance.connections, 1, 'three looks do not tell');
  await pass(2 * LOOKS_FOR_CONNECTIONS);
  assert.ok(growth.allowance.connections >= 4, `${growth.allowance.connections}`);
});

test('a thread that is not let now and then, where no processor is idle, gets no more connections for it', async () => {
  const { growth, load, pass } = scene('auto', 64);
  load.idleProcessors = 0.1;
  growth.resume();
  for (let round = 0; round < 10; round++) {
    for (const thisThread of [0.05, 0.1, 0.05, 0.9, 0.9]) {
      load.thisThread = thisThread;
      await pass(1);
    }
  }
  assert.equal(growth.allowance.connections, 1);
  assert.equal(growth.why, 'host-busy');
});

test('looks at a host that was idle in between are no part of the mean', async () => {
  const { growth, load, pass } = scene('auto', 64);
  growth.resume();
  for (let round = 0; round < 3; round++) {
    Object.assign(load, { thisThread: 0.05, idleProcessors: 0.1 });
    await pass(LOOKS_FOR_CONNECTIONS - 1);
    Object.assign(load, { thisThread: 0.7, idleProcessors: 1 });
    await pass(1);
  }
  assert.equal(growth.allowance.connections, 1);
});

test('auto has no more connections than there are jobs left, and says so', async () => {
  const { growth, progress, pass } = scene('auto', 64);
  progress.useful = 7;
  growth.resume();
  await pass(2);
  assert.equal(growth.allowance.connections, 7);
  assert.equal(growth.why, 'jobs');
});

test('auto has no more made while others are being made, nor until these have been there as long as that took', async () => {
  const { growth, up, pass } = scene('auto', 64);
  growth.resume();
  await pass(1);
  assert.equal(growth.allowance.connections, 4);
  up.open = 1;
  await pass(2);
  up.open = 4;
  await pass(2);
  assert.equal(growth.allowance.connections, 4);
  await pass(1);
  assert.equal(growth.allowance.connections, 16);
});

test('what a busy host makes of new connections is seen before more are made', async () => {
  const { growth, load, up, pass } = scene('auto', 64);
  growth.resume();
  await pass(1);
  up.open = 1;
  await pass(2);
  up.open = 4;
  await pass(1);
  Object.assign(load, { thisThread: 0.4, idleProcessors: 0 });
  await pass(5);
  assert.equal(growth.allowance.connections, 4);
  assert.equal(growth.why, 'host-busy');
});

test('auto does not wait for connections that are long in the making', async () => {
  const { growth, up, pass } = scene('auto', 64);
  growth.resume();
  await pass(1);
  up.open = 1;
  await pass(LOOKS_TO_CONNECT + 1);
  assert.equal(growth.allowance.connections, 16);
});

test('auto has no more connections than keep this thread at work for half of the time', async () => {
  const { growth, load, seen, pass } = scene('auto', 64);
  load.thisThread = 0.2;
  growth.resume();
  await pass(1);
  load.thisThread = 0.5;
  await pass(5);
  assert.equal(growth.allowance.connections, 2);
  assert.equal(growth.why, 'pays-not');
  assert.deepEqual(seen, [2, 2]);
});

test('much to send is not waited for, but only once there is a connection, and once', async () => {
  const { growth, seen } = scene('auto', 64);
  growth.hurry(false);
  assert.deepEqual(seen, []);
  growth.resume();
  growth.hurry(false);
  growth.hurry(false);
  assert.deepEqual(seen, [2]);
});

test('over a far link more at once, since each waits for answers most of the time', async () => {
  const { growth, seen } = scene('auto', 64);
  growth.resume();
  growth.hurry(true);
  growth.hurry(true);
  assert.deepEqual(seen, [6]);
});

test('as many as are worth it at first come as soon as there are jobs for them', async () => {
  const { growth, progress, seen } = scene('auto', 64);
  growth.resume();
  for (const useful of [1, 2, 4, 10]) {
    Object.assign(progress, { useful });
    growth.hurry(true);
  }
  assert.deepEqual(seen, [2, 4, 6]);
});

test('as many at once as will each be at work for a while, where it is known what a user costs', async () => {
  const { growth, progress, seen } = scene('auto', 64);
  growth.resume();
  Object.assign(progress, { left: 20, useful: 10 });
  growth.hurry(false, WORTH_CONNECTING_MS / 10);
  growth.hurry(false, WORTH_CONNECTING_MS / 2);
  growth.hurry(false, WORTH_CONNECTING_MS * 2);
  assert.deepEqual(seen, [2, 10]);
  Object.assign(progress, { left: 1_000, useful: 1_000 });
  growth.hurry(false, WORTH_CONNECTING_MS * 2);
  assert.deepEqual(seen, [2, 10, AUTO_FIRST]);
});

test('none for what is done in less time than they would take', async () => {
  const { growth, progress, seen, pass } = scene(8, 8);
  Object.assign(progress, { done: 100, left: 100 });
  growth.resume();
  await pass(3);
  assert.deepEqual(seen, []);
  progress.left = 1_000;
  await pass(1);
  assert.deepEqual(seen, [8]);
});

test('none while the replica is away', async () => {
  const { growth, seen, pass } = scene(8, 8);
  growth.resume();
  growth.pause();
  await pass(3);
  assert.deepEqual(seen, []);
  growth.resume();
  await pass(1);
  assert.deepEqual(seen, [8]);
});

test('a thread that is busy all the time gets others beside it where a processor is free, else no more connections', async () => {
  const { growth, load, pass } = scene('auto', 8);
  Object.assign(load, { thisThread: 0.95, idleProcessors: 0.1 });
  growth.resume();
  await pass(3);
  assert.deepEqual(growth.allowance, { connections: 1, threads: false });
  load.idleProcessors = 0.9;
  await pass(LOOKS_FOR_THREAD - 1);
  assert.equal(growth.allowance.threads, false);
  load.idleProcessors = 0.1;
  await pass(1);
  load.idleProcessors = 0.9;
  await pass(LOOKS_FOR_THREAD - 1);
  assert.equal(growth.allowance.threads, false, 'not in a row');
  await pass(1);
  assert.deepEqual(growth.allowance, { connections: 1, threads: true });
  load.thisThread = 0.1;
  await pass(1);
  assert.deepEqual(growth.allowance, { connections: 4, threads: true });
});

test('what the replica refuses is not asked for again for a while', async () => {
  const { growth, seen, pass, clock } = scene(8, 8);
  growth.resume();
  await pass(3);
  growth.refusedBeyond(5, 'replica-full');
  await pass(10);
  assert.deepEqual(seen, [8, 5]);
  await clock.advance(REFUSED_PAUSE_MS);
  assert.deepEqual(seen, [8, 5, 8]);
});

test('auto goes on while the rate rises, and back where it falls', async () => {
  const { growth, progress, clock, pass } = scene('auto', 64);
  /** Work for each millisecond: the replica does best with 48 connections. */
  const rate = (connections: number): number =>
    connections <= 48 ? connections : 48 - (connections - 48) / 2;
  growth.resume();
  await pass(3);
  assert.equal(growth.allowance.connections, AUTO_FIRST);
  const reached: number[] = [];
  for (let look = 0; look < 6; look++) {
    progress.work += rate(growth.allowance.connections) * CLIMB_AFTER_MS;
    await clock.advance(CLIMB_AFTER_MS);
    reached.push(growth.allowance.connections);
  }
  assert.deepEqual(reached, [48, 64, 48, 48, 48, 48]);
});

test('auto tries no more by the rate where no processor is idle, unless this thread hardly works', async () => {
  const { growth, progress, load, clock, pass } = scene('auto', 64);
  growth.resume();
  await pass(3);
  assert.equal(growth.allowance.connections, AUTO_FIRST);
  const climb = async (idleProcessors: number, thisThread: number): Promise<number> => {
    Object.assign(load, { idleProcessors, thisThread });
    progress.work += 100 * CLIMB_AFTER_MS;
    await clock.advance(CLIMB_AFTER_MS);
    return growth.allowance.connections;
  };
  assert.equal(await climb(0, 0.5), AUTO_FIRST);
  assert.equal(growth.why, 'host-busy');
  assert.equal(await climb(0, 0.1), 48);
});
