import { doublingPause } from '../doubling-pause.ts';
import {
  FRUITLESS_LINK_ATTEMPTS,
  LINK_ATTEMPTS,
  LOCK_ATTEMPTS,
  PARKED_FIRST_MS,
  PARKED_WHILE_BUSY_MS,
  RETRY_FIRST_MS,
  RETRY_JITTER,
  RETRYABLE_ATTEMPTS,
} from '../limits.ts';
import type { Outcome } from '../pool/messages.ts';
import { type ScheduledJob, setSuspectAside } from './scheduled-job.ts';

/** Says when a job that did not succeed is tried again. */
export class RetryPolicy {
  readonly #lockedRetryMs: number;
  readonly #random: () => number;

  /** @param lockedRetryMs longest pause for a lock @param random 0 <= r < 1, for jitter */
  constructor(lockedRetryMs: number, random: () => number) {
    this.#lockedRetryMs = lockedRetryMs;
    this.#random = random;
  }

  /** Counts the failed attempt. @returns undefined: no further one */
  retryDelayMs(entry: ScheduledJob, outcome: Outcome & { kind: 'failed' }): number | undefined {
    const { error, counts } = outcome;
    if (error.family === 'link') {
      entry.linkAttempts += 1;
      if (entry.linkAttempts < LINK_ATTEMPTS && setSuspectAside(entry, outcome)) return 0;
      entry.fruitlessLinkAttempts = counts.messages > 0 ? 0 : entry.fruitlessLinkAttempts + 1;
      if (entry.linkAttempts >= LINK_ATTEMPTS || entry.fruitlessLinkAttempts >= FRUITLESS_LINK_ATTEMPTS) {
        return undefined;
      }
      // Most of those in flight were innocent: the first new attempt, alone, is at once.
      return entry.linkAttempts === 1 ? 0 : this.#backoff(entry.linkAttempts - 1);
    }
    if (!error.retryable) return undefined;
    entry.attempts += 1;
    const most = error.code === 'LOCK_TIMEOUT' ? LOCK_ATTEMPTS : RETRYABLE_ATTEMPTS;
    return entry.attempts >= most ? undefined : this.#backoff(entry.attempts);
  }

  #backoff(attempt: number): number {
    const series = { first: RETRY_FIRST_MS, longest: Number.POSITIVE_INFINITY, jitter: RETRY_JITTER };
    return Math.round(doublingPause(series, attempt, this.#random));
  }

  /**
   * How long a parked job waits while nothing else does: not long at first, since most locks are short. Two jobs of the run may need
   * the lock that the other has, where a folder went from one user to another: tried again together, they would never end.
   */
  parkedPauseMs({ timesParked }: ScheduledJob): number {
    const longest = this.#lockedRetryMs / (1 + RETRY_JITTER);
    const series = { first: PARKED_FIRST_MS, longest, jitter: RETRY_JITTER };
    return Math.round(doublingPause(series, timesParked, this.#random));
  }

  /** How long it waits whatever else does. */
  parkedWhileBusyMs(): number {
    const series = { first: PARKED_WHILE_BUSY_MS, longest: PARKED_WHILE_BUSY_MS, jitter: RETRY_JITTER };
    return Math.round(doublingPause(series, 1, this.#random));
  }
}
