import { after, before } from 'node:test';
import { BullmqQueue } from '../../../src/fleet/queue/bullmq-queue.ts';
import { openRedis } from '../../../src/fleet/queue/open-redis.ts';
import { type QueueServer, startRedis } from '../../lab/queue-servers.ts';
import { queueContract } from './queue-contract.ts';

let server: QueueServer;
let fleets = 0;

before(async () => {
  server = await startRedis();
});
after(() => server[Symbol.asyncDispose]());

queueContract('queue on Redis', async () => {
  fleets += 1;
  const fleet = `fleet${fleets}`;
  return {
    open: async (rules) => new BullmqQueue(await openRedis(server.address, rules), fleet, rules),
    [Symbol.asyncDispose]: async () => {},
  };
});
