import type { ByteString } from '../../byte-string.ts';
import type { SpooledMailboxes } from './spooled-mailboxes.ts';

/** Mailboxes asked for and not taken yet: enough for a link of some delay, and far fewer than are kept. */
const MOST_AHEAD = 16;

/** Asks for mailboxes that one job will read soon, in that order, so that it does not wait for each of them in turn. */
export class ReadAhead {
  readonly #mailboxes: SpooledMailboxes;
  readonly #asked = new Map<ByteString, Promise<unknown>>();
  #waiting: ByteString[] = [];

  constructor(mailboxes: SpooledMailboxes) {
    this.#mailboxes = mailboxes;
  }

  /** These are next, in place of what was expected before. */
  expect(names: readonly ByteString[]): void {
    this.#asked.clear();
    this.#waiting = [...names].reverse();
    this.#goOn();
  }

  /** @returns whether the mailbox has just been read, so that it need not be asked for again */
  async take(name: ByteString): Promise<boolean> {
    const asked = this.#asked.get(name);
    if (!asked) return false;
    try {
      await asked;
      return true;
    } catch {
      // Whoever reads it now meets the same, and tells.
      return false;
    } finally {
      this.#asked.delete(name);
      this.#goOn();
    }
  }

  #goOn(): void {
    while (this.#asked.size < MOST_AHEAD) {
      const name = this.#waiting.pop();
      if (name === undefined) return;
      const asked = this.#mailboxes.read(name, () => undefined);
      asked.catch(() => undefined);
      this.#asked.set(name, asked);
    }
  }
}
