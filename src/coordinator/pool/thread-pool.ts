import { availableParallelism } from 'node:os';
import type { MessagePort } from 'node:worker_threads';
import { Piscina } from 'piscina';
import type { EventListener } from '../../report/events.ts';
import { SyncError } from '../../report/sync-error.ts';
import { EXIT_GRACE_MS, MOST_CONNECTIONS } from '../limits.ts';
import type {
  Batch,
  Outcome,
  PoolSetup,
  Task,
  ThreadControl,
  ThreadMessage,
  ThreadOrder,
  ThreadStart,
  UnitAnswer,
  UnitTask,
} from './messages.ts';
import { OpenEnds } from './open-ends.ts';
import type { Allowance, JobPool, UnitPool } from './pool.ts';
import { within } from './within.ts';

/** A thread's first message: the port on which it takes orders. */
export interface ThreadHello {
  kind: 'hello';
  port: MessagePort;
  /** The number that the names of its connections begin with. */
  thread: number;
}

export interface PoolOptions {
  /** Batches, or units of a sync log, that are under way on one connection at once. */
  tasksPerConnection?: number;
  /** At most; fewer if there are not so many connections. Default: one for each processor. */
  threads?: number;
  onIdleClosed?: () => void;
  /** Another thread entry, for tests. */
  file?: URL;
}

/**
 * Megabytes of a thread's room for young objects: three of V8's semi-spaces. What survives leaves it at once, and Node lets a
 * thread whose heap is full have 16 MB more until it has ended: from a larger room more than these could come in one step,
 * which is the end of the process and of everybody's work. V8's own choice is 48 to 96.
 */
const YOUNG_ROOM_MEGABYTES = 12;

const workerFile = new URL('../../../workers/replicate.js', import.meta.url);

/**
 * Worker threads by piscina.
 *
 * - `atomics: 'disabled'`: otherwise a thread sleeps between tasks and its socket with it.
 * - No more threads than processors, all from the beginning: each holds one connection, or several.
 * - Tasks are never aborted: piscina would kill the thread, and its connection in the middle of a literal.
 */
export class ThreadPool implements JobPool, UnitPool {
  readonly #piscina: Piscina<Task, Outcome[] | UnitAnswer>;
  readonly #emit: EventListener;
  readonly #onIdleClosed: () => void;
  readonly #ports = new Set<MessagePort>();
  readonly #openEnds = new OpenEnds();
  #closing = false;
  /** Batches whose last events have not come yet. */
  readonly #unflushed = new Map<number, () => void>();
  readonly #flushed = new Set<number>();
  /** Fails the tasks that no thread has answered. */
  readonly #unanswered = new Set<(error: unknown) => void>();
  /** Why there is no thread left: piscina starts none in the place of one that could not load. */
  #allGone: { cause: unknown } | undefined;
  readonly #size: number;
  readonly #tasksPerConnection: number;
  #tasksPerThread: number;
  /** The orders for a thread that comes later, by kind, in this order. */
  readonly #orders = new Map<ThreadControl['kind'], ThreadControl>();
  #orderNumber = 0;
  #exited = 0;
  #allExited: () => void = () => {};
  #allLoaded: () => void = () => {};
  /** Piscina lets the process end while threads are idle or events are under way; a run in progress must not. */
  readonly #keepAlive = setInterval(() => {}, 2 ** 30);

  constructor(
    setup: PoolSetup,
    connections: number,
    emit: EventListener,
    {
      tasksPerConnection = 1,
      threads = availableParallelism(),
      onIdleClosed = () => {},
      file = workerFile,
    }: PoolOptions = {},
  ) {
    this.#emit = emit;
    this.#onIdleClosed = onIdleClosed;
    const size = Math.max(1, Math.min(threads, connections));
    this.#size = size;
    this.#tasksPerConnection = tasksPerConnection;
    this.#tasksPerThread = Math.ceil(connections / size) * tasksPerConnection;
    const start: ThreadStart = { setup };
    this.#piscina = new Piscina<Task, Outcome[] | UnitAnswer>({
      filename: file.href,
      minThreads: size,
      maxThreads: size,
      idleTimeout: Number.POSITIVE_INFINITY,
      // Each is given its share of the connections that there are at the time, which may become more than at first.
      concurrentTasksPerWorker: MOST_CONNECTIONS * tasksPerConnection,
      loadBalancer: (_task, threads) => leastBusy(threads, this.#tasksPerThread),
      resourceLimits: { maxYoungGenerationSizeMb: YOUNG_ROOM_MEGABYTES },
      atomics: 'disabled',
      recordTiming: false,
      workerData: start,
    });
    this.#piscina.on('message', (message: ThreadMessage | ThreadHello) => this.#receive(message));
    this.#piscina.on('error', (caught: unknown) => {
      this.#threadSettled();
      if (this.#piscina.threads.length === 0) this.#giveUp(caught);
      emit({ kind: 'thread:failed', error: SyncError.from(caught).toData() });
    });
  }

  async run(batch: Batch): Promise<Outcome[]> {
    return (await this.#run(batch)) as Outcome[];
  }

  async runUnit(task: UnitTask): Promise<UnitAnswer> {
    return (await this.#run(task)) as UnitAnswer;
  }

  async #run(task: Task): Promise<Outcome[] | UnitAnswer> {
    let answer: Outcome[] | UnitAnswer;
    try {
      answer = await this.#answerTo(task);
    } catch (caught) {
      const reason = caught instanceof Error ? caught.message : String(caught);
      throw new SyncError('BUG', `a worker thread died: ${reason}`, { retryable: true, cause: caught });
    }
    if (!this.#flushed.delete(task.id)) {
      await new Promise<void>((resolve) => {
        this.#unflushed.set(task.id, resolve);
      });
    }
    return answer;
  }

  #answerTo(task: Task): Promise<Outcome[] | UnitAnswer> {
    return new Promise((resolve, reject) => {
      if (this.#allGone) throw this.#allGone.cause;
      this.#unanswered.add(reject);
      this.#piscina
        .run({ ...task, orders: this.#orderNumber })
        .then(resolve, (caught: unknown) => {
          if (this.#piscina.threads.length === 0) this.#giveUp(caught);
          reject(caught);
        })
        .finally(() => this.#unanswered.delete(reject));
    });
  }

  #giveUp(cause: unknown): void {
    this.#allGone = { cause };
    for (const reject of this.#unanswered) reject(cause);
    this.#unanswered.clear();
  }

  use({ connections }: Allowance): void {
    const limit = Math.ceil(connections / this.#size);
    this.#tasksPerThread = Math.max(this.#tasksPerThread, limit * this.#tasksPerConnection);
    this.#order({ kind: 'connections', limit });
  }

  renew(): void {
    this.#order({ kind: 'renew' });
  }

  cancel(): void {
    this.#order({ kind: 'cancel' });
  }

  cut(): void {
    this.#order({ kind: 'cut' });
  }

  /** Whoever counts connections and who is at work would count for ever what was the thread's. */
  #threadDied(thread: number): void {
    const error = new SyncError('LINK_BROKEN', 'its thread died', { family: 'link', retryable: true });
    for (const event of this.#openEnds.endedWith(thread, error.toData())) this.#emit(event);
  }

  async close(): Promise<void> {
    this.#closing = true;
    // Node.js aborts the whole process when a thread is ended while it links its modules (v8::Module::IsGraphAsync).
    if (this.#stillLoading) {
      const loaded = new Promise<void>((resolve) => {
        this.#allLoaded = resolve;
      });
      await within(EXIT_GRACE_MS, loaded);
    }
    if (this.#ports.size > 0) {
      const exited = new Promise<void>((resolve) => {
        this.#allExited = () => {
          if (this.#exited >= this.#ports.size) resolve();
        };
      });
      this.#order({ kind: 'exit' });
      await within(EXIT_GRACE_MS, exited);
    }
    for (const port of this.#ports) port.close();
    await this.#piscina.destroy();
    clearInterval(this.#keepAlive);
  }

  #order(order: ThreadOrder): void {
    this.#orderNumber += 1;
    const control: ThreadControl = { ...order, number: this.#orderNumber };
    this.#orders.set(order.kind, control);
    for (const port of this.#ports) port.postMessage(control);
  }

  /** A thread says hello when it has loaded its code; one that has died is none of piscina's any more. */
  get #stillLoading(): boolean {
    return this.#piscina.threads.length > this.#ports.size;
  }

  #threadSettled(): void {
    if (!this.#stillLoading) this.#allLoaded();
  }

  #receive(message: ThreadMessage | ThreadHello): void {
    switch (message.kind) {
      case 'events':
        for (const event of message.events) {
          this.#openEnds.hear(event);
          this.#emit(event);
        }
        break;
      case 'flushed': {
        const resolve = this.#unflushed.get(message.batch);
        if (resolve) {
          this.#unflushed.delete(message.batch);
          resolve();
        } else {
          this.#flushed.add(message.batch);
        }
        break;
      }
      case 'idle-closed':
        this.#onIdleClosed();
        break;
      case 'exited':
        this.#exited += 1;
        this.#allExited();
        break;
      case 'hello': {
        const { port, thread } = message;
        this.#ports.add(port);
        // A dead thread's port closes; it must not be waited for at the end.
        port.on('close', () => {
          this.#ports.delete(port);
          this.#allExited();
          if (!this.#closing) this.#threadDied(thread);
        });
        port.unref();
        for (const order of this.#orders.values()) port.postMessage(order);
        this.#threadSettled();
        break;
      }
    }
  }
}

function leastBusy<T extends { currentUsage: number }>(threads: readonly T[], most: number): T | null {
  let least: T | null = null;
  for (const thread of threads) {
    if (thread.currentUsage < (least?.currentUsage ?? most)) least = thread;
  }
  return least;
}
