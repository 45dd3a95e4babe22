import type { FleetSlice, SliceResult } from '../../../src/fleet/fleet-slice.ts';
import type { Pairing } from '../../../src/fleet/queue/fleet-queue.ts';

export const LANE: Pairing = { master: 'm1', replica: 'r1' };

export function sliceOf(id: string, pairing: Pairing = LANE): FleetSlice {
  return {
    ...{ id, wave: 'all', ...pairing, users: [`${id}-anna`, `${id}-bob`], round: 1 },
    ...{ messages: 10, octets: 1_000, seconds: 12 },
  };
}

export function slicesOf(count: number, pairing: Pairing = LANE): FleetSlice[] {
  return Array.from({ length: count }, (_, at) => sliceOf(`s${at}`, pairing));
}

export function resultOf({ users }: FleetSlice, agent = 'agent'): SliceResult {
  return {
    ...{ agent, began: 1, ended: 2 },
    users: users.map((user) => ({
      ...{ user, outcome: 'proven', grade: 'identical', messages: 5, octets: 500, seconds: 1, error: null },
    })),
  };
}
