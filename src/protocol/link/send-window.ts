/** Octets: a second of a 100 Mbit/s link with nothing known of it yet would be more, of a slow one much less. */
const FIRST = 1024 ** 2;
const LEAST = 128 * 1024;
/** Milliseconds that an answer may take: more octets under way would not arrive sooner, and be lost with the link. */
const LONG_MS = 1_000;

/**
 * How many octets of commands may be unanswered: as many as the link and the replica deal with in about a second, between
 * 128 KiB and what the operator allows. It grows while answers come soon and the window is what holds us up.
 */
export class SendWindow {
  readonly #most: number;
  #limit: number;
  /** Answers to what was sent before the last cut tell of the time before it. */
  #judgedFrom = 0;

  constructor(most: number) {
    this.#most = most;
    this.#limit = Math.min(FIRST, most);
  }

  get limit(): number {
    return this.#limit;
  }

  /**
   * @param octets of the command
   * @param sentAt milliseconds of `nowMs()`
   * @param wanting somebody waits for the window
   */
  answered(octets: number, sentAt: number, now: number, wanting: boolean): void {
    const milliseconds = now - sentAt;
    if (milliseconds < LONG_MS) {
      if (wanting) this.#limit = Math.min(this.#most, this.#limit + octets);
    } else if (milliseconds > 2 * LONG_MS && sentAt >= this.#judgedFrom) {
      this.#limit = Math.min(this.#most, Math.max(LEAST, this.#limit / 2));
      this.#judgedFrom = now;
    }
  }
}
