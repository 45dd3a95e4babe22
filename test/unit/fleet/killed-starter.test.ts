import assert from 'node:assert/strict';
import test from 'node:test';
import { BullmqQueue, type JobStore } from '../../../src/fleet/queue/bullmq-queue.ts';
import { type Claim, DEFAULT_RULES, type FleetQueue } from '../../../src/fleet/queue/fleet-queue.ts';
import { openPostgres } from '../../../src/fleet/queue/open-postgres.ts';
import { openRedis } from '../../../src/fleet/queue/open-redis.ts';
import { startFleet } from '../../../src/fleet/start-fleet.ts';
import { type QueueServer, startPostgres, startRedis } from '../../lab/queue-servers.ts';
import { isKilled, killedBefore } from './killed-before.ts';
import { planOf } from './plan-of.ts';
import { LANE } from './slices.ts';

const SERVERS: readonly [
  name: string,
  start: () => Promise<QueueServer>,
  open: (address: string) => Promise<JobStore | undefined>,
][] = [
  ['Redis', startRedis, (address) => openRedis(address, DEFAULT_RULES)],
  ['PostgreSQL', startPostgres, (address) => openPostgres(address, DEFAULT_RULES, 'make')],
];

for (const [name, start, open] of SERVERS) {
  test(`a start that is killed before any question to ${name} is made whole by the next one`, async (t) => {
    await using server = await start();
    await using store = await open(server.address);
    assert.ok(store);
    const questions = await killedAtEach(store, async (dying, queue, where) => {
      const killed = await isKilled(startFleet(dying, planOf(3), false));
      assert.equal((await startFleet(queue, planOf(3), false)).slices, 3);
      assert.deepEqual(await limits(queue), { 'master/m1': 2, 'replica/r1': 2 }, where);
      assert.equal(await letIn(queue), 2, where);
      return killed;
    });
    t.diagnostic(`${questions} questions`);
  });

  test(`a gate whose limit was being raised in ${name} when the command was killed lets in as many as it says`, async (t) => {
    await using server = await start();
    await using store = await open(server.address);
    assert.ok(store);
    const questions = await killedAtEach(store, async (dying, queue, where) => {
      await startFleet(queue, planOf(4), false);
      await queue.limit('master/m1', 4);
      const killed = await isKilled(dying.limit('replica/r1', 3));
      assert.equal(await letIn(queue), (await limits(queue))['replica/r1'], where);
      await queue.limit('replica/r1', 4);
      assert.equal(await letIn(queue), 4, where);
      return killed;
    });
    t.diagnostic(`${questions} questions`);
  });
}

/**
 * Has something killed before its first question to the queue, then before its second, and so on, each in a fleet of its own.
 *
 * @param body told of a queue whose user is killed, and of one for whoever comes after; returns whether anybody was killed
 * @returns how many questions there were
 */
async function killedAtEach(
  store: JobStore,
  body: (dying: FleetQueue, queue: FleetQueue, where: string) => Promise<boolean>,
): Promise<number> {
  for (let question = 1; ; question += 1) {
    const open = (each: JobStore): FleetQueue => new BullmqQueue(each, `fleet${question}`, DEFAULT_RULES);
    const kill = killedBefore(question);
    const dying: JobStore = { ...store, backendOf: (queue, kind) => kill(store.backendOf(queue, kind)) };
    const where = `killed before question ${question}`;
    if (!(await body(open(dying), open(store), where))) return question - 1;
  }
}

async function limits(queue: FleetQueue): Promise<Record<string, number>> {
  return Object.fromEntries((await queue.gates()).map(({ name, limit }) => [name, limit]));
}

/** @returns how many slices are held at once; all of them are given back */
async function letIn(queue: FleetQueue): Promise<number> {
  const claims: Claim[] = [];
  for (;;) {
    const claim = await queue.claim([LANE], 'agent');
    if (claim === undefined) break;
    claims.push(claim);
  }
  for (const claim of claims) assert.ok(await claim.release());
  return claims.length;
}
