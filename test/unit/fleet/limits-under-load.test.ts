import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { DEFAULT_RULES, type GateName, type Pairing } from '../../../src/fleet/queue/fleet-queue.ts';
import { openQueue } from '../../../src/fleet/queue/open-queue.ts';
import { claimInProcesses } from '../../lab/claim-in-processes.ts';
import { QUEUES } from '../../lab/queue-servers.ts';
import { slicesOf } from './slices.ts';

const LIMITS: Readonly<Record<GateName, number>> = {
  ...{ 'master/m1': 3, 'master/m2': 2 },
  ...{ 'replica/r1': 1, 'replica/r2': 3 },
};
const PAIRINGS: readonly Pairing[] = ['m1', 'm2'].flatMap((master) =>
  ['r1', 'r2'].map((replica) => ({ master, replica })),
);
const SLICES_OF_A_LANE = 12;

for (const [name, startQueue] of QUEUES) {
  test(`three processes with four claimers each at ${name}: no gate lets in more than its limit, and each slice is had once`, async () => {
    await using server = await startQueue();
    const directory = await mkdtemp(join(tmpdir(), 'fleet-limits-'));
    const address = server?.address ?? join(directory, 'queue');
    await using queue = await openQueue(address, 'fleet', DEFAULT_RULES);
    for (const [gate, limit] of gatesWithLimits()) await queue.limit(gate, limit);
    for (const pairing of PAIRINGS) {
      const { master, replica } = pairing;
      await queue.add(
        slicesOf(SLICES_OF_A_LANE, pairing).map((slice) => ({
          ...slice,
          id: `${slice.id}.${master}.${replica}`,
        })),
      );
    }
    const { slices, most } = await claimInProcesses(3, {
      ...{ queue: address, fleet: 'fleet', rules: DEFAULT_RULES, pairings: PAIRINGS, claimers: 4 },
      journal: join(directory, 'journal'),
      meeting: 'replica/r2',
    });
    assert.equal(new Set(slices).size, PAIRINGS.length * SLICES_OF_A_LANE);
    assert.equal(slices.length, PAIRINGS.length * SLICES_OF_A_LANE);
    for (const [gate, limit] of gatesWithLimits()) {
      const reached = most.get(gate) ?? 0;
      assert.ok(reached <= limit, `${gate}: ${reached} inside, ${limit} allowed`);
    }
    assert.ok((most.get('replica/r2') ?? 0) > 1, 'several are inside');
    await rm(directory, { recursive: true });
  });
}

function gatesWithLimits(): [GateName, number][] {
  return Object.entries(LIMITS) as [GateName, number][];
}
