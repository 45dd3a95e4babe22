import { setTimeout as sleep } from 'node:timers/promises';
import type { ByteString } from '../../byte-string.ts';
import { nowMs } from '../../now-ms.ts';

/** Several times as long as a lock scope may wait. */
const FIRST_REST_MS = 50;
const REST_GROWTH = 1.5;
/** timsieved keeps `#sieve` locked for as long as someone is logged in. */
const LONGEST_REST_MS = 500;

/**
 * Owners whose locks were given back because somebody holds another one of theirs. Nobody in this thread asks for any of
 * them before those who were held up had their turn: several readers of one owner's mailboxes, each of them soon gone,
 * would together keep the user lock for good.
 */
export class Rests {
  readonly #until = new Map<ByteString | undefined, number>();

  /** Resolves when the owner's rest is over: at once, as a rule. */
  async over(owner: ByteString | undefined): Promise<void> {
    for (;;) {
      const until = this.#until.get(owner);
      if (until === undefined) return;
      const leftMs = until - nowMs();
      if (leftMs > 0) await sleep(leftMs);
      if (this.#until.get(owner) === until) this.#until.delete(owner);
    }
  }

  /** @param attempt of how many in a row this was the last, from 1 */
  begin(owner: ByteString | undefined, attempt: number): void {
    const restMs = Math.min(FIRST_REST_MS * REST_GROWTH ** (attempt - 1), LONGEST_REST_MS);
    const until = nowMs() + restMs * (0.5 + Math.random());
    this.#until.set(owner, Math.max(until, this.#until.get(owner) ?? 0));
  }
}
