import type { Plan } from './plan.ts';

/** Simulations that a plan is worth. */
const MOST_ATTEMPTS = 200;

/**
 * Leaves out of a plan what it fails without: steps first, in ever smaller groups, and then what the site has more than it
 * needs. What is left is what somebody has to read.
 *
 * @param fails whether a plan still does
 */
export async function shrink(
  plan: Plan,
  fails: (plan: Plan) => Promise<boolean>,
  most = MOST_ATTEMPTS,
): Promise<Plan> {
  let smallest = plan;
  let left = most;
  const attempt = async (changes: Partial<Plan>): Promise<boolean> => {
    if (left === 0) return false;
    left -= 1;
    const candidate = { ...smallest, ...changes };
    const stillFails = await fails(candidate);
    if (stillFails) smallest = candidate;
    return stillFails;
  };
  for (let size = Math.ceil(plan.steps.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let at = 0; at < smallest.steps.length; ) {
      const without = smallest.steps.filter((_, index) => index < at || index >= at + size);
      if (!(await attempt({ steps: without }))) at += size;
    }
  }
  for (const simpler of SIMPLER) {
    while (left > 0) {
      const changes = simpler(smallest);
      if (changes === undefined || !(await attempt(changes))) break;
    }
  }
  return smallest;
}

/** Each says what a smaller plan would have; undefined: it is as small as that. */
const SIMPLER: ((plan: Plan) => Partial<Plan> | undefined)[] = [
  ({ users }) => (users.length > 1 ? { users: users.slice(0, -1) } : undefined),
  ({ users }) =>
    users.some((folders) => folders > 0)
      ? { users: users.map((folders) => Math.max(0, folders - 1)) }
      : undefined,
  ({ shared }) => (shared > 0 ? { shared: 0 } : undefined),
  ({ connections }) => (connections > 1 ? { connections: 1 } : undefined),
  ({ lookAhead }) => (lookAhead > 1 ? { lookAhead: 1 } : undefined),
  ({ batchSize }) => (batchSize < 8_192 ? { batchSize: 8_192 } : undefined),
  ({ latencyMs }) => (latencyMs > 0 ? { latencyMs: 0 } : undefined),
];
