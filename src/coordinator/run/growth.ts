import type { Clock } from '../clock.ts';
import {
  AUTO_FIRST,
  BUSY_THREAD,
  CLIMB_AFTER,
  GROW_AFTER,
  IDLE_FOR_THREAD,
  JOBS_PER_CONNECTION,
  LEAST_WORK_TO_CLIMB,
  MESSAGES_PER_CONNECTION,
  MOST_CONNECTIONS,
  REFUSED_PAUSE,
  WORTH_GROWING,
} from '../limits.ts';
import type { Room } from '../pool/worker-pool.ts';
import { Climb } from './climb.ts';
import { type Load, threadsPay } from './load.ts';

/** A fixed limit, or as many as the rate of work tells. */
export type WantedConnections = number | 'auto';

/** As many connections as there is work for, up to the limit. */
export function connectionsFor(
  { jobs, giants, messages }: { jobs: number; giants: number; messages: number },
  wanted: WantedConnections,
): number {
  const worth = Math.max(
    Math.ceil(jobs / JOBS_PER_CONNECTION),
    Math.ceil(messages / MESSAGES_PER_CONNECTION),
  );
  // A giant can use two (`Lanes`).
  return Math.min(mostConnections(wanted), jobs + giants, worth);
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
 * What a run has use for by now. A connection costs a login and, on the replica, a process: more come while what is left
 * will take a while longer, twice as many every `GROW_AFTER`, but none while this thread is what the others would wait
 * for: then threads pay, if a processor is free for one. Past `AUTO_FIRST`, `auto` goes by the rate.
 */
export class Growth {
  readonly #parts: GrowthParts;
  readonly #auto: boolean;
  readonly #climb = new Climb();
  #limit = 1;
  #room: Room = { connections: 1, threads: false };
  /** What the replica refused, for a while. */
  #refused: { connections: number; until: number } | undefined;
  /** When the first connection was made. */
  #since: number | undefined;
  #cancel: (() => void) | undefined;

  constructor(wanted: WantedConnections, parts: GrowthParts) {
    this.#auto = wanted === 'auto';
    this.#parts = parts;
  }

  get room(): Room {
    return this.#room;
  }

  setLimit(connections: number): void {
    this.#limit = connections;
  }

  /** The replica is there. */
  resume(): void {
    if (this.#cancel || (this.#room.connections >= this.#limit && !this.#auto)) return;
    const { clock, progress, load } = this.#parts;
    const { work } = progress();
    if (this.#since === undefined) {
      this.#since = clock.now();
      // What went before is no measure of this.
      load();
    }
    const looked = { time: clock.now(), work };
    const climbing = this.#auto && this.#room.connections >= Math.min(AUTO_FIRST, this.#limit);
    this.#cancel = clock.after(climbing ? CLIMB_AFTER : GROW_AFTER, () => {
      this.#cancel = undefined;
      this.#set(climbing ? this.#climbed(looked) : this.#grown());
      this.resume();
    });
  }

  pause(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }

  /** The replica took so many connections and no more: a limit of its own, which may change. */
  refusedBeyond(connections: number): void {
    this.#refused = { connections, until: this.#parts.clock.now() + REFUSED_PAUSE };
    this.#set(this.#room);
    this.resume();
  }

  #set({ connections, threads }: Room): void {
    const before = this.#room;
    this.#room = { connections: Math.max(1, Math.min(connections, this.#most)), threads };
    const { connections: now } = this.#room;
    if (now !== before.connections || threads !== before.threads) this.#parts.onChange();
  }

  get #most(): number {
    const refused = this.#refused;
    if (refused && this.#parts.clock.now() < refused.until) return Math.min(this.#limit, refused.connections);
    return this.#limit;
  }

  #grown(): Room {
    const { connections } = this.#room;
    const load = this.#parts.load();
    if (this.#remaining() < WORTH_GROWING) return this.#room;
    const threads = this.#threadsFor(load);
    // With this thread at its end and no processor for another one, more connections would only wait for it.
    if (load.thisThread >= BUSY_THREAD && load.idleProcessors < IDLE_FOR_THREAD) return this.#room;
    const next = connections * 2;
    return { connections: this.#auto ? Math.min(next, AUTO_FIRST) : next, threads };
  }

  #climbed(looked: { time: number; work: number }): Room {
    const { clock, progress, load } = this.#parts;
    const { connections } = this.#room;
    const threads = this.#threadsFor(load());
    const work = progress().work - looked.work;
    if (work < LEAST_WORK_TO_CLIMB) return { connections, threads };
    return { connections: this.#climb.next(connections, work / (clock.now() - looked.time)), threads };
  }

  #threadsFor(load: Load): boolean {
    return this.#room.threads || threadsPay(load);
  }

  /** Milliseconds that what is not done will take at the pace so far. */
  #remaining(): number {
    const elapsed = this.#parts.clock.now() - (this.#since ?? 0);
    const { done, left } = this.#parts.progress();
    return done > 0 ? (elapsed / done) * left : Number.POSITIVE_INFINITY;
  }
}
