import type { Plan } from './plan.ts';
import { simulate } from './simulate.ts';

/** Both sides change, and nothing else goes wrong than what is tried. */
const KINDS: readonly string[] = ['edit', 'replica-edit'];

/**
 * Lets a plan happen again and again: the program is killed while its first command is under way, then while its second is, and so
 * on to the last. The run after it must end as if nothing had been.
 * @returns how often, and what went wrong
 */
export async function killAtEachCommand(plan: Plan): Promise<{ kills: number; violations: string[] }> {
  const quiet: Plan = { ...plan, steps: plan.steps.filter(({ kind }) => KINDS.includes(kind)) };
  const whole = await simulate(quiet);
  const violations = whole.violations.map((each) => `not killed: ${each}`);
  for (let killAtCommand = 1; killAtCommand <= whole.commands; killAtCommand += 1) {
    const killed = await simulate({ ...quiet, killAtCommand });
    violations.push(...killed.violations.map((each) => `killed at command ${killAtCommand}: ${each}`));
  }
  return { kills: whole.commands, violations };
}
