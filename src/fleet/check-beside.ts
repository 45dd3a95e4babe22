import { shownValue } from '../report/shown-value.ts';
import { SyncError } from '../report/sync-error.ts';
import type { FleetSlice } from './fleet-slice.ts';

/**
 * Nobody is moved by two slices, the second of which may go to another replica; and what is on the queue is not changed by a
 * slice of the same name.
 *
 * @param there slices of plans that were started before, by their names
 * @throws SyncError USAGE that names the first user for whom it would be so
 */
export function checkBeside(slices: readonly FleetSlice[], there: ReadonlyMap<string, FleetSlice>): void {
  const sliceOf = new Map([...there.values()].flatMap(({ id, users }) => users.map((user) => [user, id])));
  for (const { id, users } of slices) {
    const known = there.get(id);
    if (known === undefined) {
      const user = users.find((each) => sliceOf.has(each));
      if (user === undefined) continue;
      throw refused(
        `users who are on no slice yet, found ${shownValue(user)} of ${id} in ${sliceOf.get(user)}`,
      );
    }
    const [here, onQueue] = [new Set(users), new Set(known.users)];
    const user = [...here, ...onQueue].find((each) => here.has(each) !== onQueue.has(each));
    if (user === undefined) continue;
    const found = onQueue.has(user) ? `it without ${shownValue(user)}` : `${shownValue(user)} in it, too`;
    throw refused(`slice ${id} as it is on the queue, found ${found}`);
  }
}

function refused(what: string): SyncError {
  return new SyncError('USAGE', `expected ${what}`, {
    phase: 'start',
    hint: 'cyrus-sync fleet report - tells who is on the queue: plan without them, or as another fleet (fleet = in the inventory)',
  });
}
