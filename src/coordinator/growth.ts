import type { Clock } from './clock.ts';
import { GROW_AFTER, JOBS_PER_WORKER, MESSAGES_PER_WORKER, WORTH_GROWING } from './limits.ts';

/** As many workers as there is work for, up to the limit. */
export function workersFor(jobs: number, messages: number, limit: number): number {
  const worth = Math.max(Math.ceil(jobs / JOBS_PER_WORKER), Math.ceil(messages / MESSAGES_PER_WORKER));
  return Math.min(limit, jobs, worth);
}

/**
 * How many connections a run has use for by now. One costs a login and, on the replica, a process: more come while what
 * is left will take a while longer, twice as many every `GROW_AFTER`.
 */
export class Growth {
  readonly #clock: Clock;
  readonly #progress: () => { done: number; left: number };
  readonly #onGrown: () => void;
  #limit = 1;
  #reached = 1;
  /** When the first connection was made. */
  #since: number | undefined;
  #cancel: (() => void) | undefined;

  constructor(clock: Clock, progress: () => { done: number; left: number }, onGrown: () => void) {
    this.#clock = clock;
    this.#progress = progress;
    this.#onGrown = onGrown;
  }

  get reached(): number {
    return this.#reached;
  }

  setLimit(connections: number): void {
    this.#limit = connections;
  }

  /** The replica is there. */
  resume(): void {
    if (this.#cancel || this.#reached >= this.#limit) return;
    this.#since ??= this.#clock.now();
    this.#cancel = this.#clock.after(GROW_AFTER, () => {
      this.#cancel = undefined;
      if (this.#remaining() >= WORTH_GROWING) {
        this.#reached = Math.min(this.#limit, this.#reached * 2);
        this.#onGrown();
      }
      this.resume();
    });
  }

  pause(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }

  /** Milliseconds that what is not done will take at the pace so far. */
  #remaining(): number {
    const elapsed = this.#clock.now() - (this.#since ?? 0);
    const { done, left } = this.#progress();
    return done > 0 ? (elapsed / done) * left : Number.POSITIVE_INFINITY;
  }
}
