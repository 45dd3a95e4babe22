import { readFleetNotes } from '../../fleet/fleet-notes.ts';
import type { FleetQueue } from '../../fleet/queue/fleet-queue.ts';
import { type FleetView, fleetView } from '../../fleet/state/fleet-view.ts';

/** How a fleet stands now, for the screen and the status page alike. */
export async function lookAtFleet(queue: FleetQueue): Promise<FleetView> {
  return fleetView(await queue.slices(), await readFleetNotes(queue), await queue.gates(), Date.now());
}
