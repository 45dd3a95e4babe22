import type { ByteString } from '../../byte-string.ts';
import type { SetAside } from '../../replicate/engine.ts';
import type { ErrorData } from '../../report/sync-error.ts';
import { BREAKS_TO_SET_ASIDE } from '../limits.ts';

interface Break extends SetAside {
  times: number;
}

/**
 * At which mailbox of a node (user or shared mailbox) the replica was when its connection broke. From the second time on
 * the node is tried without that mailbox, once: then with it again, so that it is noticed when the cause is gone, and the
 * first break sets it aside again.
 */
export class Breaks {
  readonly #breaks = new Map<string, Break[]>();

  /** @returns whether the node is to be tried without this mailbox the next time, which is news */
  broke(node: string, mailbox: ByteString, error: ErrorData): boolean {
    const breaks = this.#breaks.get(node) ?? [];
    this.#breaks.set(node, breaks);
    let one = breaks.find((each) => each.mailbox === mailbox);
    if (!one) {
      one = { mailbox, error, times: 0 };
      breaks.push(one);
    }
    one.times += 1;
    one.error = error;
    return one.times === BREAKS_TO_SET_ASIDE;
  }

  setAside(nodes: Iterable<string>): SetAside[] {
    return [...nodes].flatMap((node) =>
      (this.#breaks.get(node) ?? [])
        .filter(({ times }) => times >= BREAKS_TO_SET_ASIDE)
        .map(({ mailbox, error }) => ({ mailbox, error })),
    );
  }

  /** The node came to an end with its connection whole, but not with everything done. */
  survived(node: string): void {
    for (const one of this.#breaks.get(node) ?? []) one.times = BREAKS_TO_SET_ASIDE - 1;
  }

  succeeded(node: string): void {
    this.#breaks.delete(node);
  }
}
