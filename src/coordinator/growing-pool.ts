import type { Batch, Outcome } from './messages.ts';
import type { Room, WorkerPool } from './worker-pool.ts';

/**
 * Connections on this thread, and on threads beside it from when those pay: they are not even loaded before. A run that
 * mostly waits for its replica never needs them.
 */
export class GrowingPool implements WorkerPool {
  readonly #here: WorkerPool;
  readonly #openThere: () => Promise<WorkerPool>;
  readonly #threads: number;
  #there: WorkerPool | undefined;
  #opening: Promise<void> | undefined;
  /** Why there are no threads. */
  #failure: unknown;
  #room: Room = { connections: 1, threads: false };
  #runningHere = 0;
  #runningThere = 0;
  #order: 'cancel' | 'cut' | undefined;

  /** @param threads that `openThere` opens */
  constructor(here: WorkerPool, openThere: () => Promise<WorkerPool>, threads: number) {
    this.#here = here;
    this.#openThere = openThere;
    this.#threads = threads;
  }

  async run(batch: Batch): Promise<Outcome[]> {
    if (this.#failure !== undefined) throw this.#failure;
    if (!this.#there || !this.#sharing || this.#isLessBusyHere) {
      this.#runningHere += 1;
      try {
        return await this.#here.run(batch);
      } finally {
        this.#runningHere -= 1;
      }
    }
    this.#runningThere += 1;
    try {
      return await this.#there.run(batch);
    } finally {
      this.#runningThere -= 1;
    }
  }

  use(room: Room): void {
    this.#room = { ...room, threads: room.threads || this.#room.threads };
    if (this.#room.threads && this.#order === undefined) this.#opening ??= this.#open();
    this.#share();
  }

  cancel(): void {
    this.#order ??= 'cancel';
    this.#here.cancel();
    this.#there?.cancel();
  }

  cut(): void {
    this.#order = 'cut';
    this.#here.cut();
    this.#there?.cut();
  }

  async close(): Promise<void> {
    this.#order ??= 'cancel';
    await this.#opening;
    await Promise.all([this.#here.close(), this.#there?.close()]);
  }

  async #open(): Promise<void> {
    try {
      this.#there = await this.#openThere();
    } catch (caught) {
      this.#failure = caught;
      return;
    }
    if (this.#order) this.#there[this.#order]();
    this.#share();
  }

  /** Every thread gets as many connections as another. With fewer connections than threads, this one has them all. */
  #share(): void {
    const { connections } = this.#room;
    const here = this.#sharing ? Math.floor(connections / (this.#threads + 1)) : connections;
    this.#here.use({ connections: here, threads: false });
    this.#there?.use({ connections: connections - here, threads: true });
  }

  get #sharing(): boolean {
    return this.#there !== undefined && this.#room.connections > this.#threads;
  }

  get #isLessBusyHere(): boolean {
    return this.#runningHere * this.#threads <= this.#runningThere;
  }
}
