import type { FleetPlan } from '../../../src/fleet/planner/fleet-plan.ts';
import { slicesOf } from './slices.ts';

/** So many slices of one master for one replica, each of which takes two at a time. */
export function planOf(count: number): FleetPlan {
  const slices = slicesOf(count);
  const gate = { slices: 2 };
  const sums = { users: 2 * count, messages: 0, octets: 0, seconds: 12 };
  return JSON.parse(
    JSON.stringify({
      ...{ schema: 'cyrus-sync-fleet-plan', version: 1, fleet: 'fleet', unfit: [], ...sums },
      masters: [{ name: 'm1', ...gate }],
      replicas: [{ name: 'r1', server: 'r1', ...gate }],
      waves: [{ name: 'all', ...sums, slices }],
    }),
  );
}
