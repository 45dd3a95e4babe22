import { nowMs } from '../../now-ms.ts';
import type { BorrowedLink } from '../../replicate/engine.ts';
import { REFUSED_PAUSE_MS } from '../limits.ts';
import type { BatchRunner } from './batch-runner.ts';
import type { Batch, Outcome, UnitAnswer, UnitTask } from './messages.ts';
import { partsOf } from './parts-of.ts';
import { within } from './within.ts';

/** One connection, and how much of it is in use. */
interface Connection {
  runner: BatchRunner;
  tasks: number;
  /** Parts of the units among them. */
  parts: number;
  /** A task has it to itself, or will have when those before it have ended: none begins on it meanwhile. */
  isTaken: boolean;
}

/** The making of a connection that units wait for. */
interface Opening {
  /** It is up, or will not be. */
  ended: Promise<void>;
  end(): void;
}

/** Until disposed of. */
interface Use extends Disposable {
  connection: Connection;
}

/**
 * The connections of one thread. A thread costs more to start than it has to do for one connection, so where there are
 * more connections than processors each thread has several; a task gets the least used one, or a new one. No task waits for
 * a limit to be raised, nor for anything but its turn once the run is cancelled: it may have been given out before.
 */
export class RunnerSet {
  readonly #create: () => BatchRunner;
  #limit: number;
  #connections: Connection[] = [];
  #cancelled = false;
  readonly #opening = new Map<Connection, Opening>();
  /** Parts of units that wait for one of those. */
  #waiting = 0;
  /** Milliseconds of `nowMs()`. */
  #lendsFrom = 0;
  /** Those who wait for any change of what is in use. */
  #watching: (() => void)[] = [];

  /** @param limit connections at most; tasks beyond what they take share the least used one */
  constructor(create: () => BatchRunner, limit = Number.POSITIVE_INFINITY) {
    this.#create = create;
    this.#limit = limit;
  }

  async run(batch: Batch): Promise<Outcome[]> {
    using use = await (batch.apart ? this.#useApart() : this.#useLeast());
    const { connection } = use;
    return await connection.runner.run(batch, () => this.#borrowBeside(connection));
  }

  async runUnit({ unit, apart }: UnitTask): Promise<UnitAnswer> {
    using use = await (apart ? this.#useApart() : this.#useSoonest(partsOf(unit)));
    return await use.connection.runner.runUnit(unit);
  }

  /** Waits as long as others have all of them to themselves. @param apart nobody else begins on it any more */
  async #useLeast({ parts = 0, apart = false } = {}): Promise<Use> {
    let connection = this.#take();
    while (!connection) {
      await this.#changed();
      connection = this.#take();
    }
    // In the same turn: the next one who looks has to see it.
    if (apart) connection.isTaken = true;
    return this.#use(connection, parts);
  }

  /** Has the connection to itself: what breaks it harms nobody else, and nobody else breaks it. */
  async #useApart(): Promise<Use> {
    const use = await this.#useLeast({ apart: true });
    const { connection } = use;
    while (connection.tasks > 1 && !this.#cancelled) await this.#changed();
    return {
      connection,
      [Symbol.dispose]: () => {
        connection.isTaken = false;
        use[Symbol.dispose]();
      },
    };
  }

  async #useSoonest(parts: number): Promise<Use> {
    const soonest = this.#soonest();
    if (soonest) return this.#use(soonest, parts);
    return await (this.#opening.size > 0 ? this.#useOpened(parts) : this.#useLeast({ parts }));
  }

  /** Where a unit is done soonest: behind those before it on a connection, unless a new one would be there before. */
  #soonest(): Connection | undefined {
    if (this.#cancelled) return this.#take();
    const up = this.#up();
    const [least] = up;
    if (!least) return this.#take();
    const partMs = partMsOn(up);
    // The first one took longer than the others will: the program had just been loaded.
    const connectMs = Math.min(...up.map(({ runner }) => runner.link.connectMs));
    if (least.parts * partMs <= connectMs) return least;
    const parts = up.reduce((sum, connection) => sum + connection.parts, this.#waiting);
    const pays = (parts * partMs) / (up.length + this.#opening.size) > connectMs;
    if (pays && this.#connections.length < this.#limit && nowMs() >= this.#lendsFrom) this.#open();
    return this.#opening.size > 0 ? undefined : least;
  }

  /**
   * Not waited for longer than those that are up would take for all that wait: a replica that takes no more connections
   * says nothing for long.
   */
  async #useOpened(parts: number): Promise<Use> {
    this.#waiting += parts;
    const up = this.#up();
    const until = nowMs() + ((up[0]?.parts ?? 0) + this.#waiting) * partMsOn(up);
    for (;;) {
      const left = until - nowMs();
      const openings = [...this.#opening.values()].map(({ ended }) => ended);
      await within(Math.max(0, left), Promise.race(openings));
      const connection = left > 0 ? this.#soonest() : (this.#up()[0] ?? this.#take());
      if (!connection && this.#opening.size > 0 && left > 0) continue;
      this.#waiting -= parts;
      // In the same turn: the next one who waits has to see it.
      return connection ? this.#use(connection, parts) : await this.#useLeast({ parts });
    }
  }

  #open(): void {
    const connection = this.#add();
    let end = (): void => {};
    const ended = new Promise<void>((resolve) => {
      end = resolve;
    });
    this.#opening.set(connection, { ended, end });
    void connection.runner.link
      .lend()
      .then(
        (link) => link[Symbol.dispose](),
        () => this.#refused(connection),
      )
      .finally(() => this.#endOpening(connection));
  }

  #endOpening(connection: Connection): void {
    this.#opening.get(connection)?.end();
    this.#opening.delete(connection);
  }

  /** Connections that are up, the least used first. */
  #up(): Connection[] {
    const usable = this.#usable().filter(({ runner }) => runner.link.connected);
    return usable.sort((a, b) => a.parts - b.parts || a.tasks - b.tasks);
  }

  #refused(connection: Connection): void {
    // It was given up while it was being made, which says nothing of the replica.
    if (!this.#connections.includes(connection)) return;
    this.#lendsFrom = nowMs() + REFUSED_PAUSE_MS;
    this.#connections = this.#connections.filter((other) => other !== connection);
    void connection.runner.exit();
  }

  /**
   * Connections over the new limit are given up as their tasks end, those first that are not up.
   *
   * @param connections 0: tasks that come all the same, given out before, share one
   */
  setLimit(connections: number): void {
    this.#limit = connections;
    this.#connections.sort((a, b) => Number(b.runner.link.connected) - Number(a.runner.link.connected));
    this.#retire();
    this.#wake();
  }

  cancel(): void {
    this.#cancelled = true;
    for (const { runner } of this.#connections) runner.cancel();
    this.#letGo();
  }

  cut(): void {
    this.#cancelled = true;
    for (const { runner } of this.#connections) runner.cut();
    this.#letGo();
  }

  renew(): void {
    for (const { runner } of this.#connections) runner.link.renew();
  }

  /** Drops connections that the replica closed while nothing was under way on them. @returns whether there were any */
  dropIdleClosed(): boolean {
    return this.#connections.filter(({ runner }) => runner.link.dropIdleClosed()).length > 0;
  }

  async exit(): Promise<void> {
    this.#cancelled = true;
    this.#letGo();
    await Promise.all(this.#connections.map(({ runner }) => runner.exit()));
  }

  /** Whoever waits gets a connection, on which nothing is begun. */
  #letGo(): void {
    for (const connection of this.#opening.keys()) this.#endOpening(connection);
    this.#wake();
  }

  #use(connection: Connection, parts = 0): Use {
    connection.tasks += 1;
    connection.parts += parts;
    return {
      connection,
      [Symbol.dispose]: () => {
        connection.tasks -= 1;
        connection.parts -= parts;
        if (connection.tasks === 0) this.#retire();
        this.#wake();
      },
    };
  }

  #changed(): Promise<void> {
    return new Promise((resolve) => this.#watching.push(resolve));
  }

  #wake(): void {
    for (const resolve of this.#watching.splice(0)) resolve();
  }

  /** A connection without tasks, or a new one within the limit. */
  async #borrowBeside(own: Connection): Promise<BorrowedLink | undefined> {
    const usable = this.#connections.slice(0, this.#limit);
    const idle = usable.find((connection) => connection !== own && connection.tasks === 0);
    if (this.#cancelled || nowMs() < this.#lendsFrom) return undefined;
    if (!idle && usable.length >= this.#limit) return undefined;
    const connection = idle ?? this.#add();
    const use = this.#use(connection);
    try {
      const link = await connection.runner.link.lend();
      const giveBack = (): void => {
        link[Symbol.dispose]();
        use[Symbol.dispose]();
      };
      return { ...link, [Symbol.dispose]: giveBack };
    } catch {
      // Whoever asks has a connection; why there is no second one, those will say who need it.
      this.#lendsFrom = nowMs() + REFUSED_PAUSE_MS;
      use[Symbol.dispose]();
      return undefined;
    }
  }

  /** For tasks. A limit of none only retires what is idle: nobody else would do what has been given to this thread. */
  get #most(): number {
    return Math.max(1, this.#limit);
  }

  /** Connections that tasks may begin on. Where the run is cancelled nothing is done on any. */
  #usable(): Connection[] {
    const within = this.#connections.slice(0, this.#most);
    return this.#cancelled ? within : within.filter(({ isTaken }) => !isTaken);
  }

  /** @returns undefined: others have all of them to themselves */
  #take(): Connection | undefined {
    const [least] = this.#usable().sort((a, b) => a.tasks - b.tasks);
    // Whoever sets the limit knows what a connection costs: up to there each task waits for nothing but its own work.
    return least?.tasks === 0 || this.#connections.length >= this.#most ? least : this.#add();
  }

  #add(): Connection {
    const connection: Connection = { runner: this.#create(), tasks: 0, parts: 0, isTaken: false };
    if (this.#cancelled) connection.runner.cancel();
    this.#connections.push(connection);
    return connection;
  }

  #retire(): void {
    if (this.#connections.length <= this.#limit) return;
    const idle = (connection: Connection, index: number): boolean =>
      index >= this.#limit && connection.tasks === 0;
    const leaving = this.#connections.filter(idle);
    this.#connections = this.#connections.filter((connection, index) => !idle(connection, index));
    for (const connection of leaving) {
      this.#endOpening(connection);
      void connection.runner.exit();
    }
  }
}

/** How long the replica has been at work on a part lately, on those that have done any. */
function partMsOn(connections: readonly Connection[]): number {
  const known = connections.map(({ runner }) => runner.partMs).filter((milliseconds) => milliseconds > 0);
  return known.reduce((sum, milliseconds) => sum + milliseconds, 0) / Math.max(1, known.length);
}
