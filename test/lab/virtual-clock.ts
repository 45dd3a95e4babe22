import type { Clock } from '../../src/coordinator/clock.ts';

interface Timer {
  at: number;
  call: () => void;
}

/** A clock that stands still until told. `date` runs with the real one, so that ages of real files make sense. */
export class VirtualClock implements Clock {
  #now = 0;
  readonly #timers = new Set<Timer>();
  readonly #startDate = Date.now();

  now(): number {
    return this.#now;
  }

  date(): number {
    return this.#startDate + this.#now;
  }

  after(delay: number, call: () => void): () => void {
    const timer = { at: this.#now + delay, call };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  sleep(delay: number): Promise<void> {
    return new Promise((resolve) => {
      this.after(delay, resolve);
    });
  }

  forgetTimers(): void {
    this.#timers.clear();
  }

  /** Lets everything that is due happen, timer by timer, up to `duration` milliseconds from now. */
  async advance(duration: number): Promise<void> {
    const end = this.#now + duration;
    await quiet();
    for (;;) {
      const next = [...this.#timers].sort((a, b) => a.at - b.at)[0];
      if (!next || next.at > end) break;
      this.#timers.delete(next);
      this.#now = Math.max(this.#now, next.at);
      next.call();
      await quiet();
    }
    this.#now = end;
  }
}

/** All promise jobs are done: nothing under test waits for anything real but an uncontended lock. */
export function quiet(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
