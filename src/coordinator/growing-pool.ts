import type { BatchRunner } from './batch-runner.ts';
import { within } from './inline-pool.ts';
import { EXIT_GRACE } from './limits.ts';
import type { Batch, Outcome } from './messages.ts';
import type { WorkerPool } from './worker-pool.ts';

/**
 * The first connection on this thread, at once; the others on threads, which are not even loaded before a second batch
 * is to run beside the first. A run that turns out to have little to do is over by then.
 */
export class GrowingPool implements WorkerPool {
  readonly #first: BatchRunner;
  readonly #openThreads: () => WorkerPool;
  #threads: WorkerPool | undefined;
  #firstIsBusy = false;
  #cancelled = false;

  constructor(first: BatchRunner, openThreads: () => WorkerPool) {
    this.#first = first;
    this.#openThreads = openThreads;
  }

  async run(batch: Batch): Promise<Outcome[]> {
    if (this.#firstIsBusy) return await this.#others.run(batch);
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
    this.#threads?.cancel();
  }

  cut(): void {
    this.#cancelled = true;
    this.#first.cut();
    this.#threads?.cut();
  }

  async close(): Promise<void> {
    await Promise.all([within(EXIT_GRACE, this.#first.exit()), this.#threads?.close()]);
  }

  get #others(): WorkerPool {
    if (this.#threads) return this.#threads;
    this.#threads = this.#openThreads();
    if (this.#cancelled) this.#threads.cancel();
    return this.#threads;
  }
}
