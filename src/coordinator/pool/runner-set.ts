import type { BorrowedLink } from '../../replicate/engine.ts';
import { REFUSED_PAUSE } from '../limits.ts';
import type { BatchRunner } from './batch-runner.ts';
import type { Batch, Outcome, UnitAnswer, UnitTask } from './messages.ts';

/** One connection and how much of it is in use. A task that wants it for itself counts as many. */
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
  #limit: number;
  #places: Place[] = [];
  #cancelled = false;
  /** Milliseconds of `performance.now()`. */
  #lendsFrom = 0;

  /** @param limit connections at most; tasks beyond what they take share the least used one */
  constructor(create: () => BatchRunner, tasksPerConnection: number, limit = Number.POSITIVE_INFINITY) {
    this.#create = create;
    this.#tasksPerConnection = tasksPerConnection;
    this.#limit = limit;
  }

  run(batch: Batch): Promise<Outcome[]> {
    return this.#with(1, (place) => place.runner.run(batch, () => this.#borrowBeside(place)));
  }

  runUnit({ unit, apart }: UnitTask): Promise<UnitAnswer> {
    return this.#with(apart ? this.#tasksPerConnection : 1, ({ runner }) => runner.runUnit(unit));
  }

  /** Connections over the new limit are given up as their tasks end, those first that are not up. */
  setLimit(connections: number): void {
    this.#limit = connections;
    this.#places.sort((a, b) => Number(b.runner.connected) - Number(a.runner.connected));
    this.#retire();
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

  async #with<T>(share: number, work: (place: Place) => Promise<T>): Promise<T> {
    const place = this.#take();
    using _use = this.#use(place, share);
    return await work(place);
  }

  #use(place: Place, share: number): Disposable {
    place.tasks += share;
    return {
      [Symbol.dispose]: () => {
        place.tasks -= share;
        if (place.tasks === 0) this.#retire();
      },
    };
  }

  /** A connection without tasks, or a new one within the limit. */
  async #borrowBeside(own: Place): Promise<BorrowedLink | undefined> {
    const usable = this.#places.slice(0, this.#limit);
    const idle = usable.find((place) => place !== own && place.tasks === 0);
    if (this.#cancelled || performance.now() < this.#lendsFrom) return undefined;
    if (!idle && usable.length >= this.#limit) return undefined;
    const place = idle ?? this.#add();
    const use = this.#use(place, 1);
    try {
      const link = await place.runner.lend();
      const giveBack = (): void => {
        link[Symbol.dispose]();
        use[Symbol.dispose]();
      };
      return { ...link, [Symbol.dispose]: giveBack };
    } catch {
      // Whoever asks has a connection; why there is no second one, those will say who need it.
      this.#lendsFrom = performance.now() + REFUSED_PAUSE;
      use[Symbol.dispose]();
      return undefined;
    }
  }

  #take(): Place {
    const usable = this.#places.slice(0, this.#limit).sort((a, b) => a.tasks - b.tasks);
    const [least] = usable;
    // Whoever sets the limit knows what a connection costs: up to there each task waits for nothing but its own work.
    return least && (least.tasks === 0 || usable.length >= this.#limit) ? least : this.#add();
  }

  #add(): Place {
    const place: Place = { runner: this.#create(), tasks: 0 };
    if (this.#cancelled) place.runner.cancel();
    this.#places.push(place);
    return place;
  }

  #retire(): void {
    if (this.#places.length <= this.#limit) return;
    const idle = (place: Place, index: number): boolean => index >= this.#limit && place.tasks === 0;
    const leaving = this.#places.filter(idle);
    this.#places = this.#places.filter((place, index) => !idle(place, index));
    for (const { runner } of leaving) void runner.exit();
  }
}
