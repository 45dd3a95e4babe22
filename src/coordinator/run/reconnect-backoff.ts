import { RECONNECT_FIRST_SECONDS } from '../limits.ts';

/** Waits between connection attempts: 15, 30, 60 ... seconds, none longer than the cap (0 = no cap). */
export class ReconnectBackoff {
  readonly #cap: number;
  #next = RECONNECT_FIRST_SECONDS;

  constructor(capSeconds: number) {
    this.#cap = capSeconds > 0 ? capSeconds : Number.POSITIVE_INFINITY;
  }

  /** No attempt has failed since the last connection that worked. */
  get isFresh(): boolean {
    return this.#next === RECONNECT_FIRST_SECONDS;
  }

  nextSeconds(): number {
    const wait = Math.min(this.#next, this.#cap);
    this.#next *= 2;
    return wait;
  }

  reset(): void {
    this.#next = RECONNECT_FIRST_SECONDS;
  }
}
