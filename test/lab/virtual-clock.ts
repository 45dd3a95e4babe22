import type { Clock } from '../../src/coordinator/clock.ts';

interface Timer {
  at: number;
  call: () => void;
}

/**
 * A clock that stands still until told. Whoever tests a thing that ends by itself drives it; whoever tests a thing that goes on
 * advances so far. `date` begins with the real one, so that ages of real files make sense.
 */
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

  /** Somebody has been busy for so long. */
  pass(milliseconds: number): void {
    this.#now += milliseconds;
  }

  /** Lets `work` come to its end, jumping from timer to timer: no time passes while anything can happen without it. */
  async drive<T>(work: Promise<T>): Promise<T> {
    let done = false;
    const end = work.finally(() => {
      done = true;
    });
    end.catch(() => {});
    while (!done) {
      // Far more turns than any chain of promises here has.
      for (let turn = 0; turn < 8 && !done; turn += 1) await quiet();
      if (done) break;
      const next = this.#earliest();
      if (!next) throw new Error('nothing can happen any more: the work under test is stuck');
      this.#fire(next);
    }
    return await end;
  }

  /** Lets everything that is due happen, timer by timer, up to `duration` milliseconds from now. */
  async advance(duration: number): Promise<void> {
    const end = this.#now + duration;
    await quiet();
    for (;;) {
      const next = this.#earliest();
      if (!next || next.at > end) break;
      this.#fire(next);
      await quiet();
    }
    this.#now = end;
  }

  #earliest(): Timer | undefined {
    return [...this.#timers].sort((a, b) => a.at - b.at)[0];
  }

  #fire(timer: Timer): void {
    this.#timers.delete(timer);
    this.#now = Math.max(this.#now, timer.at);
    timer.call();
  }
}

/** All promise jobs are done: nothing under test waits for anything real but an uncontended lock. */
export function quiet(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
