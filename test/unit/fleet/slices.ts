import type { FleetSlice, SliceResult } from '../../../src/fleet/fleet-slice.ts';
import type { Lane } from '../../../src/fleet/queue/fleet-queue.ts';

export const LANE: Lane = { master: 'm1', replica: 'r1' };

export function sliceOf(id: string, lane: Lane = LANE): FleetSlice {
  return {
    ...{ id, wave: 'all', ...lane, users: [`${id}-anna`, `${id}-bob`], round: 1 },
    ...{ messages: 10, octets: 1_000, seconds: 12 },
  };
}

export function slicesOf(count: number, lane: Lane = LANE): FleetSlice[] {
  return Array.from({ length: count }, (_, at) => sliceOf(`s${at}`, lane));
}

export function resultOf({ users }: FleetSlice, agent = 'agent'): SliceResult {
  return {
    ...{ agent, began: 1, ended: 2 },
    users: users.map((user) => ({
      ...{ user, outcome: 'proven', grade: 'identical', messages: 5, octets: 500, seconds: 1, error: null },
    })),
  };
}
