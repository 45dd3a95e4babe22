import { join } from 'node:path';
import { noteKey } from '../../src/fleet/fleet-notes.ts';
import { DEFAULT_RULES } from '../../src/fleet/queue/fleet-queue.ts';
import { openQueue } from '../../src/fleet/queue/open-queue.ts';
import { runProcess } from '../../test/lab/processes.ts';
import type { PretendSettings } from './pretend-settings.ts';
import { startQueue } from './start-queue.ts';

/** Slices are as long as this, a sixth of what a plan makes by default: six times as many agents cost the same there. */
const SLICE_SECONDS = 10;
const SLICES_OF_AN_AGENT = 4;
const MOST_IN_A_PROCESS = 250;
const AGENTS_OF_A_MASTER = 4;
const REPLICAS = 10;

/** Agents that wait instead of moving anything: what they cost the queue, and how long they wait for it. */
export async function manyAgents(queueName: string, agents: number): Promise<object> {
  await using queue = await startQueue(queueName);
  const masters = Array.from({ length: Math.ceil(agents / AGENTS_OF_A_MASTER) }, (_, at) => `m${at + 1}`);
  const replicas = Array.from({ length: REPLICAS }, (_, at) => `r${at + 1}`);
  await using opened = await openQueue(queue.direct, 'fleet', DEFAULT_RULES);
  const most = { slices: agents, hours: undefined };
  for (const name of replicas) {
    await opened.note(noteKey('replica', name), { name, server: name, ...most });
    await opened.limit(`replica/${name}`, agents);
  }
  let slices = 0;
  for (const master of masters) {
    await opened.note(noteKey('master', master), { name: master, server: master, ...most });
    await opened.limit(`master/${master}`, AGENTS_OF_A_MASTER);
    const ofMaster = Array.from({ length: AGENTS_OF_A_MASTER * SLICES_OF_AN_AGENT }, (_, at) => ({
      ...{ id: `${master}.${at}`, wave: 'all', master, replica: replicas[at % REPLICAS] ?? '' },
      ...{ users: Array.from({ length: 20 }, (_user, user) => `user${at}-${user}@${master}.example.org`) },
      ...{ round: 1, messages: 1_000, octets: 1e8, seconds: SLICE_SECONDS },
    }));
    slices += await opened.add(ofMaster);
  }
  const before = await queue.used();
  const began = performance.now();
  const processes = Math.ceil(agents / MOST_IN_A_PROCESS);
  const ended = await Promise.all(
    Array.from({ length: processes }, async (_, at) => {
      const settings: PretendSettings = {
        queue: queue.address,
        first: at * MOST_IN_A_PROCESS,
        agents: Math.min(MOST_IN_A_PROCESS, agents - at * MOST_IN_A_PROCESS),
        agentsOfAMaster: AGENTS_OF_A_MASTER,
        sliceSeconds: SLICE_SECONDS,
      };
      const program = join(import.meta.dirname, 'pretend-process.js');
      const { stdout, stderr, code } = await runProcess([
        process.execPath,
        program,
        JSON.stringify(settings),
      ]);
      if (code !== 0) throw new Error(stderr);
      return JSON.parse(stdout) as { busyMs: number; thereMs: number };
    }),
  );
  const seconds = (performance.now() - began) / 1_000;
  const after = await queue.used();
  const sum = (of: 'busyMs' | 'thereMs'): number => ended.reduce((total, each) => total + each[of], 0);
  const cost = after.processorSeconds - before.processorSeconds;
  return {
    ...{ agents, slices, seconds },
    idleShare: 1 - sum('busyMs') / sum('thereMs'),
    queueProcessorShare: cost / seconds,
    queueProcessorMsOfASlice: (cost * 1_000) / slices,
    queueOctetsOfASlice: (after.octets - before.octets) / slices,
  };
}
