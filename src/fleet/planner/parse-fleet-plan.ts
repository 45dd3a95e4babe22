import { shownValue } from '../../report/shown-value.ts';
import { SyncError } from '../../report/sync-error.ts';
import { faultOfPart, type PlanPart } from './fault-of-part.ts';
import { type FleetPlan, PLAN_SCHEMA, PLAN_VERSION } from './fleet-plan.ts';
import { FLEET_NAME, FLEET_NAME_FORM } from './inventory.ts';

/** Makes the error of one file. */
type Wrong = (expected: string, found: string) => SyncError;

/**
 * A plan that was kept, and may have been edited since. What is wrong with it is said before anything is on the queue, where a
 * slice of another's name would be taken for that, and a gate without a limit would let nobody in.
 *
 * @throws SyncError CONFIG in one line
 */
export function parseFleetPlan(text: string, file: string): FleetPlan {
  const wrong: Wrong = (expected, found) =>
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
  if (!Array.isArray(masters) || !Array.isArray(replicas) || !Array.isArray(waves)) {
    throw wrong('masters, replicas and waves', 'something else');
  }
  if (typeof fleet !== 'string' || !FLEET_NAME.test(fleet)) {
    throw wrong(`a fleet whose name is ${FLEET_NAME_FORM}`, shownValue(String(fleet)));
  }
  for (const [kind, parts] of [
    ['master', masters],
    ['replica', replicas],
    ['wave', waves],
  ] as const) {
    checkParts(kind, parts, wrong);
    const names: string[] = parts.map(({ name }) => name);
    const twice = names.find((name, at) => names.indexOf(name) < at);
    if (twice !== undefined) throw wrong(`one ${kind} of each name`, `${twice} twice`);
  }
  checkSlices(plan as FleetPlan, wrong);
  return plan as FleetPlan;
}

function checkParts(kind: PlanPart, parts: readonly unknown[], wrong: Wrong): void {
  for (const part of parts) {
    const fault = faultOfPart(kind, part);
    if (fault) throw wrong(fault.expected, fault.found);
  }
}

/** Users are on one slice each, and slices known by their names. */
function checkSlices({ masters, replicas, waves }: FleetPlan, wrong: Wrong): void {
  const known = {
    master: new Set(masters.map(({ name }) => name)),
    replica: new Set(replicas.map(({ name }) => name)),
  };
  const ids = new Set<string>();
  const sliceOf = new Map<string, string>();
  for (const { name, slices } of waves) {
    if (!Array.isArray(slices)) throw wrong(`slices in wave ${name}`, 'none');
    checkParts('slice', slices, wrong);
    for (const { id, wave, users, ...sides } of slices) {
      if (ids.has(id)) throw wrong('one slice of each id', `${id} twice`);
      ids.add(id);
      if (wave !== name) throw wrong(`slice ${id} to be of wave ${name}`, shownValue(String(wave)));
      for (const kind of ['master', 'replica'] as const) {
        if (known[kind].has(sides[kind])) continue;
        const names = [...known[kind]].join(', ');
        throw wrong(`slice ${id} to name a ${kind} of the plan (${names})`, shownValue(String(sides[kind])));
      }
      for (const user of users) {
        const other = sliceOf.get(user);
        if (other !== undefined) {
          throw wrong('each user once', `${shownValue(user)} in the slices ${other} and ${id}`);
        }
        sliceOf.set(user, id);
      }
    }
  }
  if (ids.size === 0) throw wrong('slices with users', 'none');
}
