import { BATCH_JOBS, BATCH_MS, FIRST_BATCH_JOBS, LEAST_BATCH_MS, LONG_JOB_MS } from '../limits.ts';

/** Jobs of which the older ones are forgotten by half. */
const REMEMBERED = 64;

/** How long the replica is at work on one job, as measured, and how many go to one batch therefore. */
export class Pace {
  #jobs = 0;
  #milliseconds = 0;

  get isKnown(): boolean {
    return this.#jobs > 0;
  }

  /** One job alone keeps a connection at work. */
  get isSlow(): boolean {
    return this.isKnown && this.#milliseconds / this.#jobs >= LONG_JOB_MS;
  }

  /** @param servedMs that the replica was at work on it; undefined: nobody measured */
  done(servedMs: number | undefined): void {
    if (servedMs === undefined) return;
    if (this.#jobs >= REMEMBERED) {
      this.#jobs /= 2;
      this.#milliseconds /= 2;
    }
    this.#jobs += 1;
    this.#milliseconds += servedMs;
  }

  /** @param share of what waits that is one batch's, if it were shared out to all */
  batchOf(share: number): number {
    if (!this.isKnown) return Math.max(FIRST_BATCH_JOBS, Math.min(share, BATCH_JOBS));
    const most = this.#jobsIn(BATCH_MS);
    return Math.min(most, Math.max(share, this.#jobsIn(LEAST_BATCH_MS)));
  }

  #jobsIn(milliseconds: number): number {
    const each = this.#milliseconds / this.#jobs;
    return Math.max(1, Math.min(BATCH_JOBS, Math.floor(milliseconds / each)));
  }
}
