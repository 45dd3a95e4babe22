import { doublingPause } from '../../coordinator/doubling-pause.ts';
import { OUT_OF_FILES_SECONDS, REFUSED_PAUSE_MS } from '../../coordinator/limits.ts';

/** How many units may run while this host is short of descriptors: a pause, then half as many, all again after a minute. */
export class Throttle {
  #most: number;
  #parallel: number;
  /** In a row. */
  #shortages = 0;
  /** Milliseconds of the caller's clock. */
  #pausedUntil = Number.NEGATIVE_INFINITY;
  #reducedUntil = Number.NEGATIVE_INFINITY;

  constructor(parallel: number) {
    this.#most = parallel;
    this.#parallel = parallel;
  }

  setMost(parallel: number): void {
    this.#most = parallel;
    this.#parallel = parallel;
  }

  get pausedUntil(): number {
    return this.#pausedUntil;
  }

  parallel(now: number): number {
    if (now >= this.#reducedUntil) {
      this.#parallel = this.#most;
      this.#shortages = 0;
    }
    return this.#parallel;
  }

  /** @returns seconds to wait; undefined: that is known from those who began at the same time */
  ranShort(now: number): number | undefined {
    if (now < this.#pausedUntil) return undefined;
    this.#parallel = Math.max(1, Math.floor(this.parallel(now) / 2));
    this.#shortages += 1;
    const seconds = doublingPause(OUT_OF_FILES_SECONDS, this.#shortages);
    this.#pausedUntil = now + seconds * 1_000;
    this.#reducedUntil = this.#pausedUntil + REFUSED_PAUSE_MS;
    return seconds;
  }
}
