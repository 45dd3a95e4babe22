import type { BatchRunner } from './batch-runner.ts';
import type { Batch, Outcome, UnitAnswer, UnitTask } from './messages.ts';

/** One connection and the tasks that are using it. */
interface Place {
  runner: BatchRunner;
  tasks: number;
}

/**
 * The connections of one thread. A thread costs more to start than it has to do for one connection, so where there are
 * more connections than processors each thread has several; a task gets the least used one, or a new one.
 */
export class RunnerSet {
  readonly #create: () => BatchRunner;
  readonly #tasksPerConnection: number;
  readonly #places: Place[] = [];
  #cancelled = false;

  constructor(create: () => BatchRunner, tasksPerConnection: number) {
    this.#create = create;
    this.#tasksPerConnection = tasksPerConnection;
  }

  run(batch: Batch): Promise<Outcome[]> {
    return this.#with((runner) => runner.run(batch));
  }

  runUnit(unit: UnitTask['unit']): Promise<UnitAnswer> {
    return this.#with((runner) => runner.runUnit(unit));
  }

  cancel(): void {
    this.#cancelled = true;
    for (const { runner } of this.#places) runner.cancel();
  }

  cut(): void {
    this.#cancelled = true;
    for (const { runner } of this.#places) runner.cut();
  }

  renew(): void {
    for (const { runner } of this.#places) runner.renew();
  }

  /** Whether any connection was closed by the replica while nothing was under way on it. */
  dropIdleClosed(): boolean {
    return this.#places.filter(({ runner }) => runner.dropIdleClosed()).length > 0;
  }

  async exit(): Promise<void> {
    this.#cancelled = true;
    await Promise.all(this.#places.map(({ runner }) => runner.exit()));
  }

  async #with<T>(work: (runner: BatchRunner) => Promise<T>): Promise<T> {
    const place = this.#take();
    place.tasks += 1;
    try {
      return await work(place.runner);
    } finally {
      place.tasks -= 1;
    }
  }

  #take(): Place {
    const free = this.#places
      .filter(({ tasks }) => tasks < this.#tasksPerConnection)
      .sort((a, b) => a.tasks - b.tasks)[0];
    if (free) return free;
    const place: Place = { runner: this.#create(), tasks: 0 };
    if (this.#cancelled) place.runner.cancel();
    this.#places.push(place);
    return place;
  }
}
