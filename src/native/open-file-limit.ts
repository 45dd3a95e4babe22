import { readFileSync } from 'node:fs';

const LIMITS = '/proc/self/limits';

/**
 * How many files this process may have open. Node has raised the soft limit to the hard one when it started.
 *
 * @returns undefined where the system does not say, or sets none
 */
export function openFileLimit(): number | undefined {
  let limits: string;
  try {
    limits = readFileSync(LIMITS, 'latin1');
  } catch {
    // Without /proc there is nothing to go by, and the limit is met where it is met.
    return undefined;
  }
  const found = /^Max open files +(\d+)/m.exec(limits)?.[1];
  return found === undefined ? undefined : Number(found);
}
