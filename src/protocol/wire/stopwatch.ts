import { nowMs } from '../../now-ms.ts';

/** Time during which at least one thing was going on. */
export class Stopwatch {
  #running = 0;
  #since = 0;
  #total = 0;

  begin(): void {
    if (this.#running === 0) this.#since = nowMs();
    this.#running += 1;
  }

  end(): void {
    this.#running -= 1;
    if (this.#running === 0) this.#total += nowMs() - this.#since;
  }

  /** Milliseconds so far. */
  get total(): number {
    return this.#total + (this.#running > 0 ? nowMs() - this.#since : 0);
  }
}
