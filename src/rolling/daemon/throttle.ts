import {
  OUT_OF_FILES_FIRST_SECONDS,
  OUT_OF_FILES_LONGEST_SECONDS,
  REFUSED_PAUSE,
} from '../../coordinator/limits.ts';

/** How many units may run while this host is short of descriptors: a pause, then half as many, all again after a minute. */
export class Throttle {
  readonly #most: number;
  #parallel: number;
  #pauseSeconds = OUT_OF_FILES_FIRST_SECONDS;
  /** Milliseconds of the caller's clock. */
  #pausedUntil = Number.NEGATIVE_INFINITY;
  #reducedUntil = Number.NEGATIVE_INFINITY;

  constructor(parallel: number) {
    this.#most = parallel;
    this.#parallel = parallel;
  }

  get pausedUntil(): number {
    return this.#pausedUntil;
  }

  parallel(now: number): number {
    if (now >= this.#reducedUntil) {
      this.#parallel = this.#most;
      this.#pauseSeconds = OUT_OF_FILES_FIRST_SECONDS;
    }
    return this.#parallel;
  }

  /** @returns seconds to wait; undefined: that is known from those who began at the same time */
  ranShort(now: number): number | undefined {
    if (now < this.#pausedUntil) return undefined;
    const seconds = this.#pauseSeconds;
    this.#parallel = Math.max(1, Math.floor(this.parallel(now) / 2));
    this.#pauseSeconds = Math.min(seconds * 2, OUT_OF_FILES_LONGEST_SECONDS);
    this.#pausedUntil = now + seconds * 1_000;
    this.#reducedUntil = this.#pausedUntil + REFUSED_PAUSE;
    return seconds;
  }
}
