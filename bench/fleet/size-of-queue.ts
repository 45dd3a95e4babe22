import { readdirSync, statSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FleetPlan } from '../../src/fleet/planner/fleet-plan.ts';
import { DEFAULT_RULES } from '../../src/fleet/queue/fleet-queue.ts';
import { openQueue } from '../../src/fleet/queue/open-queue.ts';
import { startFleet } from '../../src/fleet/start-fleet.ts';
import { runProcess } from '../../test/lab/processes.ts';
import { PeakMemory } from '../peak-memory.ts';
import { writeInventory } from './plan-large.ts';
import { PROGRAM } from './program.ts';
import { startQueue } from './start-queue.ts';
import { storedBy } from './stored-by.ts';

const OCTETS_PER_MB = 1e6;

/** Puts a plan of ten masters with so many users each on a queue and finishes all of it. */
export async function sizeOfQueue(queueName: string, usersOfMaster: number): Promise<object> {
  await using server = await startQueue(queueName);
  const directory = await mkdtemp(join(tmpdir(), 'fleet-size-'));
  await writeInventory(directory, usersOfMaster, '10m');
  const command = [process.execPath, PROGRAM, 'fleet', 'plan', 'fleet.ini', '--json'];
  const { stdout } = await runProcess(command, { cwd: directory });
  const plan: FleetPlan = JSON.parse(stdout);
  using memory = new PeakMemory(process.pid, 'holds');
  await using queue = await openQueue(server.direct, plan.fleet, DEFAULT_RULES);
  const began = performance.now();
  const { slices } = await startFleet(queue, plan, false);
  const startSeconds = (performance.now() - began) / 1_000;
  const startedMB = sizeOf(server.directory) / OCTETS_PER_MB;
  const storedAtStart = await storedBy(server.direct);
  const pairings = plan.masters.flatMap(({ name: master }) =>
    plan.replicas.map(({ name: replica }) => ({ master, replica })),
  );
  const middle = performance.now();
  let finished = 0;
  const claimer = async (number: number): Promise<void> => {
    const own = pairings.filter((_, at) => at % CLAIMERS === number);
    for (let claim = await queue.claim(own, 'agent'); claim; claim = await queue.claim(own, 'agent')) {
      const { users } = claim.slice;
      await claim.finish({
        ...{ agent: 'host-1234', began: Date.now(), ended: Date.now() },
        users: users.map((user) => ({
          ...{
            user,
            outcome: 'proven',
            grade: 'identical',
            messages: 1_234,
            octets: 123_456_789,
            seconds: 1.234,
            error: null,
          },
        })),
      });
      finished += 1;
    }
  };
  for (const { name } of plan.masters) await queue.limit(`master/${name}`, CLAIMERS);
  await Promise.all(Array.from({ length: CLAIMERS }, (_, number) => claimer(number)));
  const seconds = (performance.now() - middle) / 1_000;
  const statusBegan = performance.now();
  const found = (await queue.slices()).length;
  const statusSeconds = (performance.now() - statusBegan) / 1_000;
  const after = await server.used();
  await rm(directory, { recursive: true });
  return {
    ...{ users: plan.users, slices, finished, found, startSeconds, startedMB },
    storedAtStart,
    storedAtEnd: await storedBy(server.direct),
    endedMB: sizeOf(server.directory) / OCTETS_PER_MB,
    residentMB: memory.octets / OCTETS_PER_MB,
    slicesASecond: finished / seconds,
    ...{ statusSeconds, processorSeconds: after.processorSeconds },
  };
}

const CLAIMERS = 10;

function sizeOf(folder: string): number {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce(
      (sum, { parentPath, name }) =>
        sum + (statSync(join(parentPath, name), { throwIfNoEntry: false })?.size ?? 0),
      0,
    );
}
