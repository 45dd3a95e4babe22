import { doublingPause } from '../doubling-pause.ts';
import { RECONNECT_FIRST_SECONDS } from '../limits.ts';

/** Waits between connection attempts: 15, 30, 60 ... seconds, none longer than the cap (0 = no cap). */
export class ReconnectBackoff {
  readonly #cap: number;
  /** Attempts that failed since the last connection that worked. */
  #failures = 0;

  constructor(capSeconds: number) {
    this.#cap = capSeconds > 0 ? capSeconds : Number.POSITIVE_INFINITY;
  }

  /** No attempt has failed since the last connection that worked. */
  get isFresh(): boolean {
    return this.#failures === 0;
  }

  nextSeconds(): number {
    this.#failures += 1;
    return doublingPause({ first: RECONNECT_FIRST_SECONDS, longest: this.#cap }, this.#failures);
  }

  reset(): void {
    this.#failures = 0;
  }
}
