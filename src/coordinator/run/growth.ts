import type { Clock } from '../clock.ts';
import {
  AUTO_FIRST,
  BUSY_THREAD,
  CLIMB_AFTER_MS,
  GROW_AFTER_MS,
  GROWTH,
  IDLE_FOR_THREAD,
  LEAST_WORK_TO_CLIMB,
  MOST_CONNECTIONS,
  REFUSED_PAUSE_MS,
  SHARE_TO_FILL,
  WORTH_GROWING_MS,
} from '../limits.ts';
import type { Allowance } from '../pool/pool.ts';
import { Climb } from './climb.ts';
import { type Load, threadsPay } from './load.ts';

/** A fixed limit, or as many as the rate of work tells. */
export type WantedConnections = number | 'auto';

/** One for each job, up to the limit, and for a giant two (`Lanes`). */
export function connectionsFor(
  { jobs, giants }: { jobs: number; giants: number },
  wanted: WantedConnections,
): number {
  return Math.min(mostConnections(wanted), jobs + giants);
}

export function mostConnections(wanted: WantedConnections): number {
  return wanted === 'auto' ? MOST_CONNECTIONS : wanted;
}

/** How far a run is: jobs, and work of any kind in one measure. */
export interface Progress {
  done: number;
  left: number;
  work: number;
}

export interface GrowthParts {
  clock: Clock;
  progress(): Progress;
  load(): Load;
  onChange(): void;
}

/**
 * What a run has use for by now. A connection costs a login and, on the replica, a process, which a run does without that
 * finds nothing to do: more come when what is left will take a while longer, or is known to be much. Of a number that the
 * operator gave all come then; `auto` asks every `GROW_AFTER_MS` what this thread waits for: what is at work for half of the time would not gain
 * from more, while one that waits nine tenths of it gets `GROWTH` times as many. Past `AUTO_FIRST` it goes by the rate. None come while this thread is what the others would wait for: then threads pay, if a processor is free for one.
 */
export class Growth {
  readonly #parts: GrowthParts;
  readonly #auto: boolean;
  readonly #climb = new Climb();
  #limit = 1;
  #allowance: Allowance = { connections: 1, threads: false };
  /** What the replica refused, for a while. */
  #refused: { connections: number; until: number } | undefined;
  /** When the first connection was made. */
  #since: number | undefined;
  #cancel: (() => void) | undefined;
  #hurried = false;

  constructor(wanted: WantedConnections, parts: GrowthParts) {
    this.#auto = wanted === 'auto';
    this.#parts = parts;
  }

  get allowance(): Allowance {
    return this.#allowance;
  }

  setLimit(connections: number): void {
    this.#limit = connections;
  }

  /** The replica is there. */
  resume(): void {
    if (this.#cancel || (this.#allowance.connections >= this.#limit && !this.#auto)) return;
    const { clock, progress, load } = this.#parts;
    const { work } = progress();
    if (this.#since === undefined) {
      this.#since = clock.now();
      // What went before is no measure of this.
      load();
    }
    const looked = { time: clock.now(), work };
    const climbing = this.#auto && this.#allowance.connections >= Math.min(AUTO_FIRST, this.#limit);
    this.#cancel = clock.after(climbing ? CLIMB_AFTER_MS : GROW_AFTER_MS, () => {
      this.#cancel = undefined;
      this.#set(climbing ? this.#climbed(looked) : this.#grown());
      this.resume();
    });
  }

  /** Before the time: there is much to send. */
  hurry(): void {
    if (this.#since === undefined || this.#hurried) return;
    this.#hurried = true;
    this.#set({ ...this.#allowance, connections: this.#next(GROWTH) });
  }

  pause(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }

  /** The replica took so many connections and no more: a limit of its own, which may change. */
  refusedBeyond(connections: number): void {
    this.#refused = { connections, until: this.#parts.clock.now() + REFUSED_PAUSE_MS };
    this.#set(this.#allowance);
    this.resume();
  }

  #set({ connections, threads }: Allowance): void {
    const before = this.#allowance;
    this.#allowance = { connections: Math.max(1, Math.min(connections, this.#most)), threads };
    const { connections: now } = this.#allowance;
    if (now !== before.connections || threads !== before.threads) this.#parts.onChange();
  }

  get #most(): number {
    const refused = this.#refused;
    if (refused && this.#parts.clock.now() < refused.until) return Math.min(this.#limit, refused.connections);
    return this.#limit;
  }

  #grown(): Allowance {
    const load = this.#parts.load();
    if (this.#remaining() < WORTH_GROWING_MS) return this.#allowance;
    const threads = this.#threadsFor(load);
    // With this thread at its end and no processor for another one, more connections would only wait for it.
    if (load.thisThread >= BUSY_THREAD && load.idleProcessors < IDLE_FOR_THREAD) return this.#allowance;
    return { connections: this.#next(Math.min(GROWTH, SHARE_TO_FILL / load.thisThread)), threads };
  }

  #next(times: number): number {
    const { connections } = this.#allowance;
    if (!this.#auto) return this.#limit;
    return Math.max(connections, Math.min(Math.floor(connections * times), AUTO_FIRST));
  }

  #climbed(looked: { time: number; work: number }): Allowance {
    const { clock, progress, load } = this.#parts;
    const { connections } = this.#allowance;
    const threads = this.#threadsFor(load());
    const work = progress().work - looked.work;
    if (work < LEAST_WORK_TO_CLIMB) return { connections, threads };
    return { connections: this.#climb.next(connections, work / (clock.now() - looked.time)), threads };
  }

  #threadsFor(load: Load): boolean {
    return this.#allowance.threads || threadsPay(load);
  }

  /** Milliseconds that what is not done will take at the pace so far. */
  #remaining(): number {
    const elapsed = this.#parts.clock.now() - (this.#since ?? 0);
    const { done, left } = this.#parts.progress();
    return done > 0 ? (elapsed / done) * left : Number.POSITIVE_INFINITY;
  }
}
