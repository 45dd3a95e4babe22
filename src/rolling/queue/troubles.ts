import { doublingPause, type PauseSeries } from '../../coordinator/doubling-pause.ts';
import type { ErrorData } from '../../report/sync-error.ts';
import {
  BACKOFF_FIRST_MS,
  BACKOFF_JITTER,
  BACKOFF_LONGEST_MS,
  LOCKED_FIRST_MS,
  LOCKED_LONGEST_MS,
  QUARANTINE_AFTER,
} from '../limits.ts';

const FAILING = { first: BACKOFF_FIRST_MS, longest: BACKOFF_LONGEST_MS, jitter: BACKOFF_JITTER };
const LOCKED = { first: LOCKED_FIRST_MS, longest: LOCKED_LONGEST_MS, jitter: BACKOFF_JITTER };
const SUSPECT = { first: BACKOFF_FIRST_MS, longest: BACKOFF_FIRST_MS, jitter: BACKOFF_JITTER };

export interface Trouble {
  /** The latest thing that went wrong. `suspect`: its connection broke under it, once, and the replica is well. */
  kind: 'failing' | 'locked' | 'suspect';
  /** Since the last success: a lock in between proves nothing of what failed. */
  failures: number;
  /** Locks that were met in a row. */
  locks: number;
  /** Clock time before which nothing of the node is started; of a suspect, unless it is started apart. */
  until: number;
  /** The reason of the latest failure; undefined: there was none. */
  error: ErrorData | undefined;
}

/** Told of to the operator, and tried at long intervals. */
export type Quarantined = Trouble & { error: ErrorData };

/**
 * Remembers who has to wait, and why. There is one entry per node (user or shared mailbox), gone with the first success: a quarantine ends
 * by itself as soon as its cause does, at the latest `BACKOFF_LONGEST_MS` later, and by nothing else. Nobody but this knows who is
 * in one; whoever else tells of it has heard it from here.
 */
export class Troubles {
  readonly #troubles = new Map<string, Trouble>();
  readonly #random: () => number;

  /** @param random 0 <= r < 1 */
  constructor(random: () => number) {
    this.#random = random;
  }

  failed(node: string, now: number, error: ErrorData): Trouble {
    const failures = this.#failures(node) + 1;
    const until = this.#after(now, FAILING, failures);
    return this.#note(node, { kind: 'failing', failures, locks: 0, until, error });
  }

  /** The reason of earlier failures stays: they are not over, nor is the danger to a connection that there may be. */
  locked(node: string, now: number): Trouble {
    const { locks: before = 0, error } = this.#troubles.get(node) ?? {};
    const locks = before + 1;
    const until = this.#after(now, LOCKED, locks);
    return this.#note(node, { kind: 'locked', failures: this.#failures(node), locks, until, error });
  }

  suspected(node: string, now: number, error: ErrorData): Trouble {
    const until = this.#after(now, SUSPECT, 1);
    return this.#note(node, { kind: 'suspect', failures: this.#failures(node), locks: 0, until, error });
  }

  /** It is known what to leave out: nothing is to be waited for. */
  tryAtOnce(node: string, now: number, error: ErrorData): void {
    const before = this.#troubles.get(node);
    if (before) this.#troubles.set(node, { ...before, until: now, error });
    else this.suspected(node, now, error);
  }

  /** It is not to be waited for any longer. @returns whether there was a pause */
  tryNow(node: string, now: number): boolean {
    const before = this.#troubles.get(node);
    if (before) this.#troubles.set(node, { ...before, until: now });
    return before !== undefined;
  }

  /** @returns whether the node was in quarantine */
  succeeded(node: string): boolean {
    const trouble = this.#troubles.get(node);
    this.#troubles.delete(node);
    return trouble !== undefined && isQuarantined(trouble);
  }

  get(node: string): Trouble | undefined {
    return this.#troubles.get(node);
  }

  /**
   * When everything of the nodes may start.
   *
   * @param apart on a connection of its own, where it can harm nobody
   */
  until(nodes: Iterable<string>, apart: boolean): number {
    let until = Number.NEGATIVE_INFINITY;
    for (const node of nodes) {
      const trouble = this.#troubles.get(node);
      if (trouble && !(apart && trouble.kind === 'suspect')) until = Math.max(until, trouble.until);
    }
    return until;
  }

  /** @returns whether one of the nodes may be what breaks connections */
  mayBreak(nodes: Iterable<string>): boolean {
    for (const node of nodes) {
      const error = this.#troubles.get(node)?.error;
      if (error?.family === 'link' || error?.code === 'BREAKS_LINK') return true;
    }
    return false;
  }

  quarantined(): [string, Quarantined][] {
    const quarantined: [string, Quarantined][] = [];
    for (const [node, trouble] of this.#troubles) {
      if (isQuarantined(trouble)) quarantined.push([node, trouble]);
    }
    return quarantined;
  }

  lockedCount(): number {
    let count = 0;
    for (const trouble of this.#troubles.values()) if (trouble.kind === 'locked') count++;
    return count;
  }

  #failures(node: string): number {
    return this.#troubles.get(node)?.failures ?? 0;
  }

  #after(now: number, series: PauseSeries, times: number): number {
    return now + doublingPause(series, times, this.#random);
  }

  #note<T extends Trouble>(node: string, trouble: T): T {
    this.#troubles.set(node, trouble);
    return trouble;
  }
}

export function isQuarantined(trouble: Trouble): trouble is Quarantined {
  return trouble.failures >= QUARANTINE_AFTER && trouble.error !== undefined;
}
