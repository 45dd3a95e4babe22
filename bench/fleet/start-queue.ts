import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DelayProxy } from '../../test/lab/delay-proxy.ts';
import { QUEUES } from '../../test/lab/queue-servers.ts';
import { processorSeconds } from '../peak-memory.ts';

/** A queue on a server, behind a proxy that counts what goes over it; one in a directory has neither. */
export interface MeasuredQueue extends AsyncDisposable {
  address: string;
  /** Octets, both ways, and processor seconds of the server, since the start. */
  used(): Promise<{ octets: number; processorSeconds: number }>;
  /** The server's directory. */
  directory: string;
  /** Straight to the server. */
  direct: string;
}

/** @param name as in `QUEUES`, or directory */
export async function startQueue(name: string): Promise<MeasuredQueue> {
  if (name === 'directory') return await startDirectory();
  const server = await QUEUES.find(([each]) => each === name)?.[1]();
  if (server === undefined) {
    throw new TypeError(`expected --queue directory, Redis or PostgreSQL, found "${name}"`);
  }
  const proxy = await DelayProxy.start({
    ...{ targetPort: server.port, roundTrip: 0, rate: 0, hideCompression: false },
  });
  return {
    address: server.address.replace(String(server.port), String(proxy.port)),
    direct: server.address,
    directory: server.directory,
    async used() {
      const { up, down } = await proxy.counts();
      return { octets: up + down, processorSeconds: processorSeconds(server.pid) };
    },
    async [Symbol.asyncDispose]() {
      await proxy[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
    },
  };
}

async function startDirectory(): Promise<MeasuredQueue> {
  const directory = await mkdtemp(join(tmpdir(), 'fleet-queue-'));
  return {
    ...{ address: directory, direct: directory, directory },
    used: async () => ({ octets: 0, processorSeconds: 0 }),
    [Symbol.asyncDispose]: () => rm(directory, { recursive: true }),
  };
}
