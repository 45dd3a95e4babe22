import assert from 'node:assert/strict';
import test from 'node:test';
import type { JobType } from 'bullmq';
import { BullmqQueue, type JobStore } from '../../../src/fleet/queue/bullmq-queue.ts';
import { DEFAULT_RULES } from '../../../src/fleet/queue/fleet-queue.ts';
import { openRedis } from '../../../src/fleet/queue/open-redis.ts';
import { startRedis } from '../../lab/queue-servers.ts';
import { LANE, slicesOf } from './slices.ts';

test('a slice that is given back while all are asked for, in several questions, is told of like the others', async () => {
  await using server = await startRedis();
  await using store = await openRedis(server.address, DEFAULT_RULES);
  const queue = new BullmqQueue(store, 'fleet', DEFAULT_RULES);
  for (const gate of ['master/m1', 'replica/r1'] as const) await queue.limit(gate, 1);
  await queue.add(slicesOf(3));
  const claim = await queue.claim([LANE], 'agent');
  assert.ok(claim);
  const looking = new BullmqQueue(
    movedOnce(store, async () => assert.ok(await claim.release())),
    'fleet',
    DEFAULT_RULES,
  );
  assert.deepEqual((await looking.slices()).map(({ slice }) => slice.id).sort(), ['s0', 's1', 's2']);
});

/** Has something happen once, between the question for slices that wait and the one for those under way. */
function movedOnce(store: JobStore, move: () => Promise<void>): JobStore {
  let isMoved = false;
  class Queue extends store.bullmq.Queue {
    override async getJobs(types: JobType[], ...range: [start?: number, end?: number, ascending?: boolean]) {
      const jobs = await super.getJobs(types, ...range);
      if (!isMoved && types.includes('waiting') && this.name.includes('/pairing/')) {
        isMoved = true;
        await move();
      }
      return jobs;
    }
  }
  return { ...store, bullmq: { ...store.bullmq, Queue: Queue as typeof store.bullmq.Queue } };
}
