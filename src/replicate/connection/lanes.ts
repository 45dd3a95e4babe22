import type { BorrowedLink, EngineContext } from './engine-context.ts';
import { GUIDS_PER_COMMAND } from './reservation.ts';

/**
 * The connections that the steps of one large mailbox take turns on. The replica applies a mailbox in one process, but
 * while that is at work another one can take in the messages of the next step: about a quarter of its time.
 *
 * How far a step may run ahead of the answer to the one before is decided by `startMailbox`. What the replica was asked to
 * reserve is on the stage of the first connection, so turns begin behind that.
 */
export class Lanes implements Disposable {
  readonly #context: EngineContext;
  #steps = 0;
  #besides = false;
  #borrowed: { link: BorrowedLink; context: EngineContext } | undefined;

  constructor(context: EngineContext) {
    this.#context = context;
  }

  /** @param records of each step */
  async next(records: number): Promise<EngineContext> {
    this.#steps += 1;
    if (this.#steps * records < GUIDS_PER_COMMAND) return this.#context;
    this.#borrowed ??= await this.#borrow();
    if (this.#borrowed === undefined) return this.#context;
    this.#besides = !this.#besides;
    return this.#besides ? this.#borrowed.context : this.#context;
  }

  async #borrow(): Promise<{ link: BorrowedLink; context: EngineContext } | undefined> {
    const link = await this.#context.borrow?.();
    if (link === undefined) return undefined;
    const { session, stage, partitions } = link;
    return { link, context: { ...this.#context, session, stage, partitions } };
  }

  [Symbol.dispose](): void {
    this.#borrowed?.link[Symbol.dispose]();
    this.#borrowed = undefined;
  }
}
