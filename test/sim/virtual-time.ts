import crypto from 'node:crypto';
import { syncBuiltinESMExports } from 'node:module';
import FakeTimers from '@sinonjs/fake-timers';
import type { Random } from './random.ts';

/** Lets happen what happens by itself: everything that promises and streams do among themselves is over after one of these. */
const realTurn = setImmediate;

/** Milliseconds since the epoch: some time after whatever the simulated mail was written. */
const START_MS = 1_700_000_000_000;

/** No timer is shorter. */
const LEAST_MS = 1;

const FAKED = [
  'setTimeout',
  'clearTimeout',
  'setInterval',
  'clearInterval',
  'setImmediate',
  'clearImmediate',
  'Date',
  'performance',
  'hrtime',
] as const;

/**
 * Timers, clocks and chance of this process, until disposed of: time stands still while anything can happen without it, and
 * then jumps to the next timer. Nothing that is simulated may wait for anything real.
 */
export class VirtualTime implements Disposable {
  readonly #clock: FakeTimers.Clock;
  readonly #random = Math.random;
  readonly #randomUUID = crypto.randomUUID;

  constructor(random: Random) {
    this.#clock = FakeTimers.install({ now: START_MS, toFake: [...FAKED] });
    // As Node has it. At once would be before a deadline that is a fraction away, for ever.
    const faked = globalThis.setTimeout;
    globalThis.setTimeout = ((work: () => void, ms = LEAST_MS, ...values: []) =>
      faked(work, Math.max(LEAST_MS, ms || LEAST_MS), ...values)) as typeof setTimeout;
    Math.random = random.fraction;
    const hex = (digits: number): string =>
      Array.from({ length: digits }, () => random.between(0, 15).toString(16)).join('');
    crypto.randomUUID = () => `${hex(8)}-${hex(4)}-${hex(4)}-${hex(4)}-${hex(12)}`;
    // Names that were imported from those modules follow.
    syncBuiltinESMExports();
  }

  /** Milliseconds since the simulation began. */
  get nowMs(): number {
    return this.#clock.now - START_MS;
  }

  /**
   * Lets `work` come to its end, jumping from timer to timer.
   * @throws if nothing can happen any more, or it is not at its end at that time
   */
  async drive<T>(work: Promise<T>, deadlineMs: number): Promise<T> {
    let done = false;
    const end = work.finally(() => {
      done = true;
    });
    end.catch(() => undefined);
    for (;;) {
      await new Promise<void>((resolve) => realTurn(resolve));
      if (done) return await end;
      if (this.#clock.countTimers() === 0) throw new Error('stuck: nothing can happen any more');
      if (this.nowMs > deadlineMs) throw new Error(`not at its end after ${deadlineMs / 1_000} s`);
      this.#clock.next();
    }
  }

  [Symbol.dispose](): void {
    this.#clock.uninstall();
    Math.random = this.#random;
    crypto.randomUUID = this.#randomUUID;
    syncBuiltinESMExports();
  }
}
