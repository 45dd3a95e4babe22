import type { WhyNoMore } from '../../report/events.ts';
import type { Clock } from '../clock.ts';
import {
  AUTO_FIRST,
  BUSY_THREAD,
  CLIMB_AFTER_MS,
  FIRST_GROWTH,
  FIRST_GROWTH_IF_FAR,
  GROW_AFTER_MS,
  GROWTH,
  IDLE_FOR_CONNECTIONS,
  IDLE_FOR_THREAD,
  LEAST_WORK_TO_CLIMB,
  LOOKS_FOR_CONNECTIONS,
  LOOKS_FOR_THREAD,
  LOOKS_TO_CONNECT,
  MEASURE_AFTER_MS,
  MOST_CONNECTIONS,
  REFUSED_PAUSE_MS,
  SHARE_TO_FILL,
  SHARE_TO_FILL_OF_BUSY_HOST,
  WORTH_CONNECTING_MS,
  WORTH_GROWING_MS,
} from '../limits.ts';
import type { Allowance } from '../pool/pool.ts';
import { Climb } from './climb.ts';
import { type Load, threadsPay } from './load.ts';

/** A fixed limit, or as many as the rate of work tells. */
export type WantedConnections = number | 'auto';

/** One for each job, up to the limit, and for a large one two (`Lanes`). */
export function connectionsFor(
  { jobs, large }: { jobs: number; large: number },
  wanted: WantedConnections,
): number {
  return Math.min(mostConnections(wanted), jobs + large);
}

export function mostConnections(wanted: WantedConnections): number {
  return wanted === 'auto' ? MOST_CONNECTIONS : wanted;
}

/** How far a run is: jobs, and work of any kind in one measure. */
export interface Progress {
  done: number;
  left: number;
  /** Connections that what is left could have use for. */
  useful: number;
  work: number;
}

export interface GrowthParts {
  clock: Clock;
  progress(): Progress;
  load(): Load;
  /** Connections that are up. */
  open(): number;
  /** Another allowance, or another reason why it is no more. */
  onChange(): void;
}

/** A number of connections that must not be exceeded, and for whose sake. */
interface Bound {
  connections: number;
  why: WhyNoMore;
}

/**
 * The connections and threads that a run has use for by now. A connection costs a login and, on the replica, a process, which
 * a run does without that finds nothing to do: more come when what is left will take a while longer, or is known to be much. Of a number that the
 * operator gave all come then. `auto` asks every `GROW_AFTER_MS` what this thread waits for: what is at work for half of the
 * time would not gain from more, while one that waits nine tenths of it gets `GROWTH` times as many. Where no processor of
 * this host is idle, waiting says less: work of the host's own may be what is waited for, and more connections would be more
 * of that, so that only a thread that hardly works in the mean of some looks gets any. Past `AUTO_FIRST` it goes by the rate. None
 * come while this thread is what the others would wait for: then threads pay, if a processor is free for one.
 */
export class Growth {
  readonly #parts: GrowthParts;
  #auto: boolean;
  readonly #climb = new Climb();
  #limit: Bound = { connections: 1, why: 'asked' };
  #allowance: Allowance = { connections: 1, threads: false };
  #why: WhyNoMore = 'begin';
  /** A limit that the replica, or this host, has shown, kept to for a while. */
  #refused: (Bound & { until: number }) | undefined;
  /** When the first connection was made. */
  #since: number | undefined;
  #cancel: (() => void) | undefined;
  /** Connections that much to send was found to be worth at first, though they may have no use for as many yet. */
  #hurriedTo = 0;
  /** Looks since more connections were asked for: while those were being made, and since they are there. */
  #looks = { connecting: 0, settling: 0 };
  /** The shares of its time that this thread was at work, by the looks in a row at which no processor of the host was idle. */
  #sharesWhileBusy: number[] = [];
  /** Looks in a row after which another thread would have paid. */
  #looksBusy = 0;

  constructor(wanted: WantedConnections, parts: GrowthParts) {
    this.#auto = wanted === 'auto';
    this.#parts = parts;
  }

  get allowance(): Allowance {
    return this.#allowance;
  }

  /** Why there are no more. */
  get why(): WhyNoMore {
    return this.#why;
  }

  /** Before the first connection. */
  setLimit(connections: number, why: WhyNoMore): void {
    this.#limit = { connections, why };
    if (this.#allowance.connections >= connections) this.#why = why;
  }

  /** The operator wants another number while it runs: it is kept to at once, unless nothing can be begun now anyway. */
  steer(wanted: WantedConnections, limit: number, why: WhyNoMore, atOnce: boolean): void {
    this.#auto = wanted === 'auto';
    this.#limit = { connections: limit, why };
    this.#refused = undefined;
    if (!atOnce) return;
    const { connections, threads } = this.#allowance;
    this.#set({ connections: wanted === 'auto' ? connections : limit, threads }, 'begin');
    this.resume();
  }

  /** The replica is there. */
  resume(): void {
    if (this.#cancel || (this.#allowance.connections >= this.#limit.connections && !this.#auto)) return;
    const { clock, load } = this.#parts;
    if (this.#since !== undefined) {
      this.#lookAfter(GROW_AFTER_MS);
      return;
    }
    this.#since = clock.now();
    // What went before is no measure of what comes, and a run that is over by then has no use for one.
    this.#cancel = clock.after(MEASURE_AFTER_MS, () => {
      load();
      this.#lookAfter(GROW_AFTER_MS - MEASURE_AFTER_MS);
    });
  }

  /** @param growMs milliseconds, unless it climbs */
  #lookAfter(growMs: number): void {
    const { clock, progress } = this.#parts;
    const looked = { time: clock.now(), work: progress().work };
    const climbing =
      this.#auto && this.#allowance.connections >= Math.min(AUTO_FIRST, this.#limit.connections);
    this.#cancel = clock.after(climbing ? CLIMB_AFTER_MS : growMs, () => {
      this.#cancel = undefined;
      if (climbing) this.#climbFrom(looked);
      else this.#grow();
      this.resume();
    });
  }

  /**
   * Before the time: there is much to send, so that each connection will be at work until the next look at least.
   *
   * @param isFar a job waits for answers more than the replica works for it, so that it has use for several at once
   * @param backlogMs milliseconds that the replica will be at work on one user, if that is known
   */
  hurry(isFar: boolean, backlogMs = 0): void {
    if (this.#since === undefined) return;
    const { left } = this.#parts.progress();
    const { connections } = this.#allowance;
    this.#hurriedTo ||= connections * (isFar ? FIRST_GROWTH_IF_FAR : FIRST_GROWTH);
    const busy = Math.floor((backlogMs * left) / WORTH_CONNECTING_MS);
    this.#set({ ...this.#allowance, connections: this.#atMost(Math.max(this.#hurriedTo, busy)) }, 'begin');
  }

  pause(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }

  /** There were so many connections, and no more could be had: a limit that may change. */
  refusedBeyond(connections: number, why: 'replica-full' | 'open-files'): void {
    this.#refused = { connections, why, until: this.#parts.clock.now() + REFUSED_PAUSE_MS };
    this.#set(this.#allowance, this.#why);
    this.resume();
  }

  /** @param why there are no more, where no bound says so */
  #set({ connections, threads }: Allowance, why: WhyNoMore): void {
    const { connections: before, threads: threadsBefore } = this.#allowance;
    const whyBefore = this.#why;
    const most = this.#most;
    const now = Math.max(1, Math.min(connections, most.connections));
    this.#allowance = { connections: now, threads };
    this.#why = now >= most.connections ? most.why : why;
    if (now !== before || threads !== threadsBefore || this.#why !== whyBefore) this.#parts.onChange();
  }

  get #most(): Bound {
    const refused = this.#refused;
    const isRefused = refused && this.#parts.clock.now() < refused.until;
    return isRefused && refused.connections < this.#limit.connections ? refused : this.#limit;
  }

  #grow(): void {
    const load = this.#parts.load();
    if (this.#remaining() < WORTH_GROWING_MS) {
      this.#set(this.#allowance, 'begin');
      return;
    }
    const threads = this.#threadsFor(load);
    const isHostBusy = load.idleProcessors < IDLE_FOR_CONNECTIONS;
    const shares = isHostBusy
      ? [...this.#sharesWhileBusy, load.thisThread].slice(-LOOKS_FOR_CONNECTIONS)
      : [];
    this.#sharesWhileBusy = shares;
    // With this thread at its end and no processor for another one, more connections would only wait for it.
    if (load.thisThread >= BUSY_THREAD && load.idleProcessors < IDLE_FOR_THREAD) {
      this.#set(this.#allowance, 'host-busy');
      return;
    }
    if (this.#auto && this.#isSettling()) {
      this.#set({ ...this.#allowance, threads }, 'begin');
      return;
    }
    this.#looks = { connecting: 0, settling: 0 };
    const connections = this.#times(
      isHostBusy ? this.#factorOnBusyHost() : Math.min(GROWTH, SHARE_TO_FILL / load.thisThread),
    );
    if (connections > this.#allowance.connections) this.#sharesWhileBusy = [];
    this.#set({ connections, threads }, this.#whyNot(connections, isHostBusy ? 'host-busy' : 'pays-not'));
  }

  /** By the mean of some looks: how much one look sees of a thread is an accident of who was let. */
  #factorOnBusyHost(): number {
    const shares = this.#sharesWhileBusy;
    if (shares.length < LOOKS_FOR_CONNECTIONS) return 1;
    const mean = shares.reduce((sum, share) => sum + share, 0) / shares.length;
    return Math.min(GROWTH, SHARE_TO_FILL_OF_BUSY_HOST / mean);
  }

  /**
   * How long a thread waits tells little while it waits for connections that are being made, or for the first answers on them:
   * these take about as long.
   */
  #isSettling(): boolean {
    const isConnecting = this.#parts.open() < this.#allowance.connections;
    const { connecting, settling } = this.#looks;
    if (isConnecting && connecting < LOOKS_TO_CONNECT) this.#looks.connecting += 1;
    else if (!isConnecting && settling < connecting) this.#looks.settling += 1;
    else return false;
    return true;
  }

  /** @returns so many times as many, but not more than there are jobs for */
  #times(factor: number): number {
    return this.#atMost(Math.floor(this.#allowance.connections * factor));
  }

  /** @returns so many, but not more than there are jobs for, nor fewer than there are */
  #atMost(wanted: number): number {
    if (!this.#auto) return this.#limit.connections;
    const { useful } = this.#parts.progress();
    return Math.max(this.#allowance.connections, Math.min(wanted, AUTO_FIRST, useful));
  }

  #climbFrom(looked: { time: number; work: number }): void {
    const { clock, progress, load } = this.#parts;
    const { connections } = this.#allowance;
    const { idleProcessors, thisThread } = load();
    const threads = this.#threadsFor({ idleProcessors, thisThread });
    if (idleProcessors < IDLE_FOR_CONNECTIONS && thisThread > SHARE_TO_FILL_OF_BUSY_HOST) {
      this.#set({ connections, threads }, 'host-busy');
      return;
    }
    const { work, useful } = progress();
    const done = work - looked.work;
    if (done < LEAST_WORK_TO_CLIMB || connections >= useful) {
      this.#set({ connections, threads }, this.#whyNot(connections, 'pays-not'));
      return;
    }
    const next = this.#climb.next(connections, done / (clock.now() - looked.time));
    this.#set({ connections: next, threads }, this.#whyNot(next, 'pays-not'));
  }

  /** @param otherwise if there are jobs for more, and it does not grow */
  #whyNot(connections: number, otherwise: WhyNoMore): WhyNoMore {
    if (this.#auto && connections >= this.#parts.progress().useful) return 'jobs';
    return connections > this.#allowance.connections ? 'begin' : otherwise;
  }

  #threadsFor(load: Load): boolean {
    this.#looksBusy = threadsPay(load) ? this.#looksBusy + 1 : 0;
    return this.#allowance.threads || this.#looksBusy >= LOOKS_FOR_THREAD;
  }

  /** Milliseconds that what is not done will take at the pace so far. */
  #remaining(): number {
    const elapsed = this.#parts.clock.now() - (this.#since ?? 0);
    const { done, left } = this.#parts.progress();
    return done > 0 ? (elapsed / done) * left : Number.POSITIVE_INFINITY;
  }
}
