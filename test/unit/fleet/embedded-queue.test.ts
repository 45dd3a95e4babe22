import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EmbeddedQueue } from '../../../src/fleet/queue/embedded-queue.ts';
import { queueContract } from './queue-contract.ts';

queueContract('embedded queue', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'fleet-queue-'));
  return {
    open: (rules) => EmbeddedQueue.open(directory, rules),
    [Symbol.asyncDispose]: () => rm(directory, { recursive: true }),
  };
});
