import type { Plan } from './plan.ts';
import { Random } from './random.ts';

/** The first copy of such a site takes about as long: what happens, happens meanwhile. */
const END_MS = 2_000;
const MOST_CONNECTIONS = 4;
const MOST_MESSAGES = 12;

/**
 * Moves the plan to a site whose mailboxes are sent over two connections: few users with several folders, mail that goes in
 * several steps, and connections that nobody else has a use for. A step's messages are staged on one of them while the step
 * before is still on its way over the other, whose stage may be dropped, and which may be lost.
 */
export function spreadOut(plan: Plan): Plan {
  // Draws of its own, so that the plan is the one that the seed makes.
  const random = new Random(plan.seed).split();
  const { endMs, steps } = plan;
  const users = Array.from({ length: random.between(1, 2) }, () => random.between(1, 4));
  return {
    ...plan,
    // A unit of a sync log has one connection.
    rolling: false,
    users,
    mostMessages: MOST_MESSAGES,
    copies: true,
    connections: random.between(users.length + 1, MOST_CONNECTIONS),
    latencyMs: random.pick([0, 1, 20]),
    batchSize: random.between(1, 3),
    mostStaged: random.chance(0.7) ? random.between(3, 6) : undefined,
    endMs: END_MS,
    steps: steps.map((step) => ({ ...step, atMs: Math.floor((step.atMs * END_MS) / endMs) })),
  };
}
