import { shownValue } from '../report/shown-value.ts';
import { SyncError } from '../report/sync-error.ts';
import type { PlanNote } from './fleet-notes.ts';
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

/**
 * Nobody can tell who is on the queue as long as another plan is not whole there.
 *
 * @param slices of the plan that is to be put beside @param plans those that were started before, itself among them or not
 * @throws SyncError USAGE
 */
export function checkOthersWhole(
  digest: string,
  slices: readonly FleetSlice[],
  plans: ReadonlyMap<string, PlanNote>,
  there: ReadonlyMap<string, FleetSlice>,
): void {
  const own = new Set(slices.filter(({ id }) => there.has(id)).flatMap(({ users }) => users));
  const onQueue = new Set([...there.values()].flatMap(({ users }) => users));
  const all = slices.reduce((sum, { users }) => sum + users.length, 0);
  const brought = plans.get(digest)?.users;
  // Those of its own slices that others have brought count for these.
  const shared = brought === undefined ? own.size : all - brought;
  const others = [...plans]
    .filter(([plan]) => plan !== digest)
    .reduce((sum, [, { users }]) => sum + users, 0);
  const missing = others - (onQueue.size - own.size + shared);
  if (missing <= 0) return;
  throw new SyncError(
    'USAGE',
    `expected the plans before this one to be whole on the queue, found ${missing} of their users on no slice`,
    {
      phase: 'start',
      hint: 'Their fleet start or add is at work, or was killed: call it again, and then this',
    },
  );
}

function refused(what: string): SyncError {
  return new SyncError('USAGE', `expected ${what}`, {
    phase: 'start',
    hint: 'cyrus-sync fleet report - tells who is on the queue: plan without them, or as another fleet (fleet = in the inventory)',
  });
}
