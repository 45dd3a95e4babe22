/**
 * Keeps the first MAILBOX command of each mailbox in list order while their uploads overlap: a newer replica refuses a
 * mailbox whose parent it does not have yet.
 */
export class Order {
  #last: Promise<void> = Promise.resolve();

  /** `ready` resolves when every earlier turn is done. `done` may be called more than once. */
  turn(): Turn {
    const ready = this.#last;
    let done: () => void = () => undefined;
    const mine = new Promise<void>((resolve) => {
      done = resolve;
    });
    this.#last = ready.then(() => mine);
    return { ready, done };
  }

  get all(): Promise<void> {
    return this.#last;
  }
}

export interface Turn {
  ready: Promise<void>;
  done: () => void;
}
