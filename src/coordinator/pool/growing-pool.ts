import type { Batch, Outcome, UnitAnswer, UnitTask } from './messages.ts';
import type { Allowance, JobPool, UnitPool } from './pool.ts';

type BothPools = JobPool & UnitPool;

/**
 * Connections on this thread, and on threads beside it from when those pay: they are not even loaded before. A run that
 * mostly waits for its replica never needs them. With `threadsAlone` they have all the work instead, from the beginning.
 */
export class GrowingPool implements JobPool, UnitPool {
  readonly #here: BothPools;
  readonly #openThere: () => Promise<BothPools>;
  readonly #threads: number;
  readonly #threadsAlone: boolean;
  #there: BothPools | undefined;
  #opening: Promise<void> | undefined;
  /** Why there are no threads. */
  #failure: unknown;
  #allowance: Allowance = { connections: 1, threads: false };
  #runningHere = 0;
  #runningThere = 0;
  #order: 'cancel' | 'cut' | undefined;

  /** @param threads that `openThere` opens */
  constructor(here: BothPools, openThere: () => Promise<BothPools>, threads: number, threadsAlone = false) {
    this.#here = here;
    this.#openThere = openThere;
    this.#threads = threads;
    this.#threadsAlone = threadsAlone;
  }

  run(batch: Batch): Promise<Outcome[]> {
    return this.#on((pool) => pool.run(batch));
  }

  runUnit(task: UnitTask): Promise<UnitAnswer> {
    return this.#on((pool) => pool.runUnit(task));
  }

  renew(): void {
    this.#here.renew();
    this.#there?.renew();
  }

  use(allowance: Allowance): void {
    this.#allowance = {
      ...allowance,
      threads: allowance.threads || this.#allowance.threads || this.#threadsAlone,
    };
    if (this.#allowance.threads && this.#order === undefined) this.#opening ??= this.#open();
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

  async #on<T>(work: (pool: BothPools) => Promise<T>): Promise<T> {
    if (this.#threadsAlone && this.#order === undefined) this.#opening ??= this.#open();
    if (this.#threadsAlone) await this.#opening;
    if (this.#failure !== undefined) throw this.#failure;
    if (!this.#there || !this.#sharing || this.#isLessBusyHere) {
      this.#runningHere += 1;
      try {
        return await work(this.#here);
      } finally {
        this.#runningHere -= 1;
      }
    }
    this.#runningThere += 1;
    try {
      return await work(this.#there);
    } finally {
      this.#runningThere -= 1;
    }
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
    const { connections } = this.#allowance;
    const here = this.#threadsAlone
      ? 0
      : this.#sharing
        ? Math.floor(connections / (this.#threads + 1))
        : connections;
    this.#here.use({ connections: here, threads: false });
    this.#there?.use({ connections: connections - here, threads: true });
  }

  get #sharing(): boolean {
    if (this.#there === undefined) return false;
    return this.#threadsAlone || this.#allowance.connections > this.#threads;
  }

  get #isLessBusyHere(): boolean {
    return !this.#threadsAlone && this.#runningHere * this.#threads <= this.#runningThere;
  }
}
