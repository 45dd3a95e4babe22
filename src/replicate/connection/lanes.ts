import type { BorrowedLink, EngineContext } from './engine-context.ts';

/** Milliseconds until a connection that could not be had is asked for again. */
const LOOK_EVERY_MS = 50;

/**
 * The two connections that the steps of one mailbox take turns on. The replica applies a mailbox in one process, but while
 * that is at work another one can take in the messages of the next step, each of which it flushes to its disk.
 */
export class Lanes implements Disposable {
  readonly #context: EngineContext;
  #borrowed: { link: BorrowedLink; context: EngineContext } | undefined;
  #borrowing: Promise<void> | undefined;
  #isDisposed = false;

  /** @param context of the job: the first of the two */
  constructor(context: EngineContext) {
    this.#context = context;
  }

  /**
   * @param isWanted false: nobody waits for it any more
   * @returns the other one, as soon as it can be had; undefined: it is not wanted any more, or never to be had
   */
  async beside(lane: EngineContext, isWanted: () => boolean): Promise<EngineContext | undefined> {
    if (lane !== this.#context) return this.#context;
    const { borrow } = this.#context;
    if (!borrow) return undefined;
    while (isWanted() && !this.#isDisposed) {
      if (this.#borrowed) return this.#borrowed.context;
      // Several may wait for it.
      this.#borrowing ??= this.#take(borrow).finally(() => {
        this.#borrowing = undefined;
      });
      await this.#borrowing;
      if (!this.#borrowed) await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
    }
    return undefined;
  }

  async #take(borrow: () => Promise<BorrowedLink | undefined>): Promise<void> {
    const link = await borrow();
    if (link === undefined) return;
    if (this.#isDisposed) {
      link[Symbol.dispose]();
      return;
    }
    const { session, stage, partitions } = link;
    this.#borrowed = { link, context: { ...this.#context, session, stage, partitions } };
  }

  [Symbol.dispose](): void {
    this.#isDisposed = true;
    this.#borrowed?.link[Symbol.dispose]();
    this.#borrowed = undefined;
  }
}
