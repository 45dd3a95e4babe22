import type { Batch, Outcome } from './messages.ts';
import type { WorkerPool } from './worker-pool.ts';

/**
 * The first connection on this thread, at once; the others on threads, which are not even loaded before a second batch
 * is to run beside the first. A run that turns out to have little to do is over by then.
 */
export class GrowingPool implements WorkerPool {
  readonly #first: WorkerPool;
  readonly #openOthers: () => WorkerPool;
  #others: WorkerPool | undefined;
  #firstIsBusy = false;
  #cancelled = false;

  /** @param first takes one batch at a time */
  constructor(first: WorkerPool, openOthers: () => WorkerPool) {
    this.#first = first;
    this.#openOthers = openOthers;
  }

  async run(batch: Batch): Promise<Outcome[]> {
    if (this.#firstIsBusy) return await this.#openedOthers().run(batch);
    this.#firstIsBusy = true;
    try {
      return await this.#first.run(batch);
    } finally {
      this.#firstIsBusy = false;
    }
  }

  cancel(): void {
    this.#cancelled = true;
    this.#first.cancel();
    this.#others?.cancel();
  }

  cut(): void {
    this.#cancelled = true;
    this.#first.cut();
    this.#others?.cut();
  }

  async close(): Promise<void> {
    await Promise.all([this.#first.close(), this.#others?.close()]);
  }

  #openedOthers(): WorkerPool {
    if (this.#others) return this.#others;
    this.#others = this.#openOthers();
    if (this.#cancelled) this.#others.cancel();
    return this.#others;
  }
}
