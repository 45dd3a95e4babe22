import type { ErrorData } from '../report/sync-error.ts';
import { LOST_LINKS_TO_PAUSE } from './limits.ts';
import type { Outcome } from './messages.ts';

/** What had been when a batch began: of what has been seen since, it says nothing new. */
export interface Seen {
  outages: number;
  refusals: number;
}

export type Verdict =
  | { kind: 'up' }
  | { kind: 'down'; error: ErrorData }
  /** So many connections are up, and the replica takes no more. */
  | { kind: 'full'; connections: number }
  | { kind: 'nothing-new' };

/** What becomes of batches and connections, taken together: is the replica there, and how much of it. */
export class ReplicaHealth {
  /** Connections that are up. */
  #open = 0;
  #outages = 0;
  #refusals = 0;
  #lostInARow = 0;
  /** Refused connections in a row, without one job done. */
  #refusedInARow = 0;

  get seen(): Seen {
    return { outages: this.#outages, refusals: this.#refusals };
  }

  opened(): void {
    this.#open += 1;
  }

  closed(): void {
    this.#open -= 1;
  }

  /**
   * @param seen when the batch began
   * @param batches that run at a time: as many may lose their link together
   */
  judge(outcomes: readonly Outcome[], seen: Seen, batches: number): Verdict {
    // The probe may have gone to a connection that had never been lost.
    const isNews = seen.outages === this.#outages;
    if (outcomes.some(({ kind }) => kind === 'synced' || kind === 'absent')) {
      this.#lostInARow = 0;
      this.#refusedInARow = 0;
      return isNews ? { kind: 'up' } : { kind: 'nothing-new' };
    }
    const error = notConnected(outcomes) ?? this.#lostTooOften(outcomes, batches);
    if (error === undefined || !isNews) return { kind: 'nothing-new' };
    if (!this.#isBesideOthers(error)) {
      this.#outages += 1;
      return { kind: 'down', error };
    }
    if (seen.refusals !== this.#refusals) return { kind: 'nothing-new' };
    this.#refusals += 1;
    this.#refusedInARow += 1;
    return { kind: 'full', connections: this.#open };
  }

  #lostTooOften(outcomes: readonly Outcome[], batches: number): ErrorData | undefined {
    const lost = outcomes.find((outcome) => outcome.kind === 'failed' && outcome.error.family === 'link');
    if (lost?.kind !== 'failed') return undefined;
    this.#lostInARow += 1;
    return this.#lostInARow >= LOST_LINKS_TO_PAUSE + batches ? lost.error : undefined;
  }

  /** A limit of the replica's own, such as its `maxchild`. Again and again with nothing done, it is an outage. */
  #isBesideOthers({ family, phase }: ErrorData): boolean {
    if (family !== 'link' || phase !== 'connect') return false;
    return this.#open > 0 && this.#refusedInARow < LOST_LINKS_TO_PAUSE;
  }
}

function notConnected(outcomes: readonly Outcome[]): ErrorData | undefined {
  for (const outcome of outcomes) {
    if (outcome.kind === 'untouched' && outcome.error.phase === 'connect') return outcome.error;
  }
  return undefined;
}
