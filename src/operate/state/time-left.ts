/** Samples kept; then every other one goes. */
const MOST_SAMPLES = 256;

/**
 * How long the rest takes at the pace of the latter half of the time so far: long enough that single users do not throw
 * the estimate about, short enough to forget how slowly a run begins.
 */
export class TimeLeft {
  readonly #samples: { seconds: number; done: number }[] = [];
  /** Least time between two samples. */
  #spacing = 0;

  /** @param seconds since the start @param done from 0 to 1 @returns undefined: it cannot be told yet */
  estimate(seconds: number, done: number): number | undefined {
    const last = this.#samples.at(-1);
    if (!last || seconds >= last.seconds + this.#spacing) this.#add(seconds, done);
    const from = this.#samples.findLast((sample) => sample.seconds <= seconds / 2) ?? { seconds: 0, done: 0 };
    const gained = done - from.done;
    return gained > 0 ? ((seconds - from.seconds) / gained) * (1 - done) : undefined;
  }

  #add(seconds: number, done: number): void {
    this.#samples.push({ seconds, done });
    if (this.#samples.length < MOST_SAMPLES) return;
    const kept = this.#samples.filter((_, index) => index % 2 === 0);
    this.#samples.splice(0, this.#samples.length, ...kept);
    this.#spacing = seconds / kept.length;
  }
}
