import { contentOf } from './content-of.ts';
import type { FleetSlice } from './fleet-slice.ts';
import { type FleetQueue, LOST_TOO_OFTEN, type SliceRecord } from './queue/fleet-queue.ts';
import type { UserStanding } from './state/fleet-view.ts';

/**
 * Has users come again who need a person, now that one has looked, or who were left out of a slice that is done. Of a slice that was lost with its agents each goes by
 * itself, so that the next agent that is lost tells who it was.
 *
 * @param chosen users who need a person, or are cancelled
 * @returns how many come again
 */
export async function retryUsers(
  queue: FleetQueue,
  records: readonly SliceRecord[],
  chosen: readonly UserStanding[],
): Promise<number> {
  const slices = new Map(records.map(({ slice }) => [slice.id, slice]));
  const again: FleetSlice[] = [];
  for (const [id, users] of bySlice(chosen)) {
    const slice = slices.get(id);
    if (slice === undefined) continue;
    const alone = users.some(({ reason }) => reason === LOST_TOO_OFTEN);
    for (const names of alone ? users.map(({ user }) => [user]) : [users.map(({ user }) => user)]) {
      const next = `${id}/${slice.round}.${contentOf(names)}`;
      again.push({ ...slice, id: next, users: names, round: slice.round + 1, roundsBefore: slice.round });
    }
  }
  await queue.add(again);
  return again.reduce((sum, { users }) => sum + users.length, 0);
}

function bySlice(chosen: readonly UserStanding[]): Map<string, UserStanding[]> {
  const slices = new Map<string, UserStanding[]>();
  for (const one of chosen) {
    const ofSlice = slices.get(one.slice);
    if (ofSlice) ofSlice.push(one);
    else slices.set(one.slice, [one]);
  }
  return slices;
}
