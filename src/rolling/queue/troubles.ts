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
  /** `suspect`: its connection broke under it, once, and the replica is well. */
  kind: 'failing' | 'locked' | 'suspect';
  /** In a row. */
  times: number;
  /** Clock time before which nothing of the node is started; of a suspect, unless it is started apart. */
  until: number;
  error: ErrorData | undefined;
}

/**
 * Remembers who has to wait, and why. There is one entry per node (user or shared mailbox), gone with the first success: a quarantine ends
 * by itself as soon as its cause does, at the latest `BACKOFF_LONGEST_MS` later.
 */
export class Troubles {
  readonly #troubles = new Map<string, Trouble>();
  readonly #random: () => number;

  /** @param random 0 <= r < 1 */
  constructor(random: () => number) {
    this.#random = random;
  }

  failed(node: string, now: number, error: ErrorData): Trouble {
    return this.#note(node, 'failing', now, FAILING, error);
  }

  locked(node: string, now: number): Trouble {
    return this.#note(node, 'locked', now, LOCKED, undefined);
  }

  suspected(node: string, now: number, error: ErrorData): Trouble {
    return this.#note(node, 'suspect', now, SUSPECT, error);
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

  quarantined(): [string, Trouble][] {
    return [...this.#troubles].filter(([, trouble]) => isQuarantined(trouble));
  }

  lockedCount(): number {
    let count = 0;
    for (const trouble of this.#troubles.values()) if (trouble.kind === 'locked') count++;
    return count;
  }

  #note(
    node: string,
    kind: Trouble['kind'],
    now: number,
    series: PauseSeries,
    error: ErrorData | undefined,
  ): Trouble {
    const before = this.#troubles.get(node);
    const times = before?.kind === kind ? before.times + 1 : 1;
    const trouble = { kind, times, until: now + doublingPause(series, times, this.#random), error };
    this.#troubles.set(node, trouble);
    return trouble;
  }
}

export function isQuarantined(trouble: Trouble): boolean {
  return trouble.kind === 'failing' && trouble.times >= QUARANTINE_AFTER;
}
