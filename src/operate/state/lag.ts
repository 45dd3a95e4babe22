/** Upper bounds in seconds: from what nobody notices to a night. */
export const LAG_BOUNDS_SECONDS = [
  0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3_600, 14_400, 43_200,
] as const;

export interface LagView {
  /** `count` of those that took at most so long; the last has no bound. */
  buckets: { atMostSeconds: number | null; count: number }[];
  count: number;
  sumSeconds: number;
  lastSeconds: number | null;
}

/** From the time when a line was written to the time when the replica had what it says. */
export class LagHistogram {
  readonly #counts = new Array<number>(LAG_BOUNDS_SECONDS.length + 1).fill(0);
  #count = 0;
  #sumSeconds = 0;
  #lastSeconds: number | null = null;

  add(milliseconds: number): void {
    const seconds = Math.max(0, milliseconds / 1_000);
    const bucket = LAG_BOUNDS_SECONDS.findIndex((bound) => seconds <= bound);
    const index = bucket < 0 ? LAG_BOUNDS_SECONDS.length : bucket;
    this.#counts[index] = (this.#counts[index] ?? 0) + 1;
    this.#count += 1;
    this.#sumSeconds += seconds;
    this.#lastSeconds = seconds;
  }

  view(): LagView {
    let count = 0;
    const buckets = this.#counts.map((own, index) => {
      count += own;
      return { atMostSeconds: LAG_BOUNDS_SECONDS[index] ?? null, count };
    });
    return { buckets, count: this.#count, sumSeconds: this.#sumSeconds, lastSeconds: this.#lastSeconds };
  }
}
