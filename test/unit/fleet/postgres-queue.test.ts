import { after, before } from 'node:test';
import { BullmqQueue } from '../../../src/fleet/queue/bullmq-queue.ts';
import { openPostgres } from '../../../src/fleet/queue/open-postgres.ts';
import { type QueueServer, startPostgres } from '../../lab/queue-servers.ts';
import { queueContract } from './queue-contract.ts';

let server: QueueServer;
let fleets = 0;

before(async () => {
  server = await startPostgres();
});
after(() => server[Symbol.asyncDispose]());

queueContract('queue on PostgreSQL', async () => {
  fleets += 1;
  const fleet = `fleet${fleets}`;
  return {
    open: async (rules) => new BullmqQueue(await openPostgres(server.address, rules), fleet, rules),
    [Symbol.asyncDispose]: async () => {},
  };
});
