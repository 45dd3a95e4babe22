import type { Batch, Outcome } from './messages.ts';
import type { Room, WorkerPool } from './worker-pool.ts';

/**
 * Connections on this thread, and on threads beside it from when those pay: they are not even loaded before. A run that
 * mostly waits for its replica never needs them.
 */
export class GrowingPool implements WorkerPool {
  readonly #here: WorkerPool;
  readonly #openThere: () => Promise<WorkerPool>;
  readonly #mostThreads: number;
  #there: WorkerPool | undefined;
  #opening: Promise<void> | undefined;
  /** Why there are no threads. */
  #failure: unknown;
  #room: Room = { connections: 1, threads: false };
  #runningHere = 0;
  #runningThere = 0;
  #order: 'cancel' | 'cut' | undefined;

  /** @param mostThreads how many `openThere` opens at most */
  constructor(here: WorkerPool, openThere: () => Promise<WorkerPool>, mostThreads: number) {
    this.#here = here;
    this.#openThere = openThere;
    this.#mostThreads = mostThreads;
  }

  async run(batch: Batch): Promise<Outcome[]> {
    if (this.#failure !== undefined) throw this.#failure;
    if (!this.#there || this.#isLessBusyHere) {
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

  /** Every thread gets as many connections as another; this one also has everybody's answers to take. */
  #share(): void {
    const { connections } = this.#room;
    if (!this.#there) {
      this.#here.use(this.#room);
      return;
    }
    const threads = Math.min(this.#mostThreads, connections - 1);
    const here = Math.max(1, Math.floor(connections / (threads + 1)));
    this.#here.use({ connections: here, threads: false });
    this.#there.use({ connections: Math.max(1, connections - here), threads: true });
  }

  get #isLessBusyHere(): boolean {
    return this.#runningHere * this.#mostThreads <= this.#runningThere;
  }
}
