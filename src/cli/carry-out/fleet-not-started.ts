import { embeddedFleets } from '../../fleet/queue/embedded-fleets.ts';
import { shownAddress } from '../../fleet/queue/store-names.ts';
import { SyncError } from '../../report/sync-error.ts';
import { DEFAULT_FLEET, DEFAULT_QUEUE, type FleetStep } from './fleet-step.ts';

/** Nobody has started the fleet that a step names: it says where it was looked for, and what a directory has in its place. */
export function fleetNotStarted({ queue = DEFAULT_QUEUE, fleet = DEFAULT_FLEET }: FleetStep): SyncError {
  const isDirectory = queue.startsWith('/');
  const others = isDirectory ? embeddedFleets(queue).filter((name) => name !== fleet) : [];
  const there = others.length === 0 ? '' : `, but ${others.join(', ')}`;
  const address = isDirectory ? queue : shownAddress(queue);
  return new SyncError(
    'USAGE',
    `expected a fleet that was started, found none called "${fleet}" on the queue ${address}${there}`,
    {
      phase: 'start',
      hint: 'cyrus-sync fleet start PLAN starts one; --fleet and --queue say which is meant',
    },
  );
}
