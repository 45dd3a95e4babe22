import { after, before } from 'node:test';
import { openQueue } from '../../../src/fleet/queue/open-queue.ts';
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
    open: (rules) => openQueue(server.address, fleet, rules),
    [Symbol.asyncDispose]: async () => {},
  };
});
