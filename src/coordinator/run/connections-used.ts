import type { RunSummary, WhyNoMore } from '../../report/events.ts';

/** How many connections were up at one time, at most, and why there were no more when there were so many. */
export class ConnectionsUsed {
  #open = 0;
  #most = 0;
  #why: WhyNoMore = 'begin';

  opened(): void {
    this.#open += 1;
    this.#most = Math.max(this.#most, this.#open);
  }

  closed(): void {
    this.#open -= 1;
  }

  /** @param allowed from now on @param why no more */
  allow(allowed: number, why: WhyNoMore): void {
    if (allowed >= this.#most) this.#why = why;
  }

  /** By now. */
  get open(): number {
    return this.#open;
  }

  get summary(): RunSummary['connections'] {
    return { most: this.#most, why: this.#why };
  }
}
