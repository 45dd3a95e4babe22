import { shownValue } from '../../report/shown-value.ts';
import { SyncError } from '../../report/sync-error.ts';
import { type FleetPlan, PLAN_SCHEMA, PLAN_VERSION } from './fleet-plan.ts';
import { FLEET_NAME, FLEET_NAME_FORM } from './inventory.ts';

/**
 * A plan that was kept, and may have been edited since.
 *
 * @throws SyncError CONFIG in one line
 */
export function parseFleetPlan(text: string, file: string): FleetPlan {
  const wrong = (expected: string, found: string): SyncError =>
    new SyncError('CONFIG', `${file}: expected ${expected}, found ${found}`, {
      phase: 'start',
      hint: 'cyrus-sync fleet plan FILE --json makes such a file of an inventory',
    });
  let plan: Partial<FleetPlan> | null;
  try {
    plan = JSON.parse(text);
  } catch (caught) {
    throw wrong('the plan of a fleet, as JSON', SyncError.from(caught).message);
  }
  if (plan?.schema !== PLAN_SCHEMA || plan.version !== PLAN_VERSION) {
    throw wrong(
      `${PLAN_SCHEMA}, version ${PLAN_VERSION}`,
      `${plan?.schema ?? 'none'}, ${plan?.version ?? 'none'}`,
    );
  }
  const { fleet, masters, replicas, waves } = plan;
  if (
    typeof fleet !== 'string' ||
    !Array.isArray(masters) ||
    !Array.isArray(replicas) ||
    !Array.isArray(waves)
  ) {
    throw wrong('fleet, masters, replicas and waves', 'something else');
  }
  for (const name of [fleet, ...[...masters, ...replicas, ...waves].map((each) => each?.name)]) {
    if (typeof name === 'string' && FLEET_NAME.test(name)) continue;
    throw wrong(`names of ${FLEET_NAME_FORM}`, `"${name}"`);
  }
  const known = {
    master: new Set(masters.map(({ name }) => name)),
    replica: new Set(replicas.map(({ name }) => name)),
  };
  const sliceOf = new Map<string, string>();
  for (const { name, slices } of waves) {
    if (!Array.isArray(slices)) throw wrong(`slices in wave ${name}`, 'none');
    for (const slice of slices) {
      for (const kind of ['master', 'replica'] as const) {
        if (!known[kind].has(slice[kind])) {
          const names = [...known[kind]].join(', ');
          throw wrong(`slice ${slice.id} to name a ${kind} of the plan (${names})`, `"${slice[kind]}"`);
        }
      }
      if (!Array.isArray(slice.users) || !slice.users.every((user: unknown) => typeof user === 'string')) {
        throw wrong(`slice ${slice.id} to have users`, 'something else');
      }
      for (const user of slice.users) {
        const other = sliceOf.get(user);
        if (other !== undefined) {
          throw wrong('each user once', `${shownValue(user)} in the slices ${other} and ${slice.id}`);
        }
        sliceOf.set(user, slice.id);
      }
    }
  }
  return plan as FleetPlan;
}
