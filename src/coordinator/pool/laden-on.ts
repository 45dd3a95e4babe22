import { LADEN_PER_CONNECTION, LEAST_LADEN_COMMANDS } from '../limits.ts';
import type { RunnerLink } from './kept-link.ts';

/** Ends a job before it sends anything. */
export class Postponed extends Error {}

/** Counts one job among those with much to send, or postpones it if there are enough of them. */
export function ladenOn(
  link: Pick<RunnerLink, 'laden'>,
  mayPostpone: boolean,
): Disposable & { add: (commands: Iterable<number>) => void } {
  let counted = false;
  return {
    add: (commands) => {
      if (counted || !reaches(commands, LEAST_LADEN_COMMANDS)) return;
      if (mayPostpone && link.laden >= LADEN_PER_CONNECTION) throw new Postponed();
      counted = true;
      link.laden += 1;
    },
    [Symbol.dispose]: () => {
      if (counted) link.laden -= 1;
    },
  };
}

function reaches(counts: Iterable<number>, least: number): boolean {
  let sum = 0;
  for (const count of counts) {
    sum += count;
    if (sum >= least) return true;
  }
  return false;
}
