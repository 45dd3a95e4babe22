/**
 * The door of `coordinator/run`. Here is one run from the search for jobs to its summary: the schedule, the number of
 * connections, the replica's health, what becomes of names that match nothing, exit codes. It may use pools by their contract
 * and the store to find jobs, never a connection. Every job found has one last word, a replica that is away is waited for by
 * one batch rather than all, and a stop ends a run within the ladder's time.
 */

import { setImmediate } from 'node:timers/promises';
import PQueue from 'p-queue';
import type { EventListener, RunSummary, SyncEvent } from '../../report/events.ts';
import { type ErrorData, SyncError } from '../../report/sync-error.ts';
import type { MasterStore, Refresh } from '../../store/master-store.ts';
import { externalName } from '../../store/paths/external-name.ts';
import type { StoreLayout } from '../../store/paths/store-layout.ts';
import { Brakes } from '../brakes.ts';
import type { Clock } from '../clock.ts';
import { doublingPause } from '../doubling-pause.ts';
import {
  BATCHES_PER_CONNECTION,
  DEAD_THREADS_TO_ABORT,
  DISCOVERY_SLICE_MS,
  DRAIN_GRACE_MS,
  FIRST_DISCOVERY_SLICE_MS,
  ILL_PAUSES_SECONDS,
  LOCKED_LIST_PAUSE_MS,
  OCTETS_PER_WORK,
  OUT_OF_FILES_SECONDS,
} from '../limits.ts';
import type { Batch, Outcome } from '../pool/messages.ts';
import type { JobPool } from '../pool/pool.ts';
import { shutdownLadder } from '../shutdown-ladder.ts';
import type { Steering } from '../steering.ts';
import { type Choice, type Chosen, chosenBy } from './choice.ts';
import { ConnectionsUsed } from './connections-used.ts';
import { jobsOnlyThere, needsStore, type OnlyThere } from './discover.ts';
import { EXIT_OK, EXIT_STOPPED, exitCodeOfError, exitCodeOfRun } from './exit-codes.ts';
import { mostThatFit } from './fit-descriptors.ts';
import { connectionsFor, Growth, mostConnections, type WantedConnections } from './growth.ts';
import { isHopeless } from './is-hopeless.ts';
import type { Load } from './load.ts';
import { ReconnectBackoff } from './reconnect-backoff.ts';
import { type HealthCounters, ReplicaHealth } from './replica-health.ts';
import type { RunRequest } from './run-request.ts';
import { RunSteering } from './run-steering.ts';
import { Schedule } from './schedule.ts';
import { type Findings, NOTHING_FOUND, Search } from './search.ts';
import { Tally } from './tally.ts';
import { UnmatchedNames } from './unmatched-names.ts';

type Flavour = Extract<SyncEvent, { kind: 'connection:open' }>['flavour'];

/** The world that a run works in; tests give another one. */
export interface RunParts {
  emit: EventListener;
  openStore(): MasterStore;
  /**
   * Looks for what the replica alone has, once it is known what the store has; left out: nobody is looked for there.
   *
   * @param flavour of the replica's server, as soon as a connection tells; undefined where none is needed
   */
  findOnlyThere?(
    store: MasterStore,
    emit: EventListener,
    flavour: Promise<Flavour | undefined>,
  ): Promise<OnlyThere | undefined>;
  /** @param connections at most */
  openPool(connections: number, emit: EventListener): JobPool;
  /** Since the last call. */
  load(): Load;
  clock: Clock;
  /** 0 <= r < 1 */
  random(): number;
  /** Aborted: hand out nothing more, let jobs in flight finish, end. */
  signal: AbortSignal;
  /** Takes what steers the run, until disposed of. */
  steer?(steering: Steering): Disposable;
}

export interface RunResult {
  exitCode: number;
  summary: RunSummary;
  /** Why the run ended before its work was done. */
  error: ErrorData | undefined;
}

type StopReason =
  | { by: 'signal' }
  | { by: 'error'; error: ErrorData }
  | { by: 'max-errors' }
  | { by: 'max-duration' };

/** Does what the request says. Never rejects for anything that went wrong on the way: that is in the result. */
export function run(request: RunRequest, parts: RunParts): Promise<RunResult> {
  return new Run(request, parts).execute();
}

/**
 * One run. `Schedule` says what is next; p-queue says how many at once; the pool does it.
 *
 *     probing ──connection:open──► open
 *        ▲                          │
 *        └── wait over ── outage ◄──┘ connection failed, or links lost in a row (the replica is ill)
 *                           ▲ └──► the end, when it is found ill after the last pause too
 *     probing ──────────────┘ connection failed, or an ill replica's lost again
 *
 * - probing: one batch more than already runs may start, so that a dead replica is tried by one of them, not by all. An
 *   ill one is well again with the first job done, not with a connection.
 * - open: as many batches as the connections take, the number of which grows as the work lasts.
 * - outage: none starts. What runs on a good link goes on.
 */
class Run {
  readonly #request: RunRequest;
  readonly #parts: RunParts;
  readonly #tally: Tally;
  readonly #unmatched: UnmatchedNames;
  readonly #queue = new PQueue({ concurrency: 1 });
  readonly #backoff: ReconnectBackoff;
  readonly #schedule: Schedule;
  #pool: JobPool | undefined;
  readonly #growth: Growth;
  readonly #connections = new ConnectionsUsed();
  readonly #health = new ReplicaHealth();
  /** Octets and messages across, in one measure. */
  #uploaded = 0;
  #started = 0;
  #found: Findings = NOTHING_FOUND;
  /** Users and mailboxes that the replica alone has are still to be looked for. */
  #mayFindMore = false;
  #tellFlavour: (flavour: Flavour | undefined) => void = () => {};
  readonly #flavour = new Promise<Flavour | undefined>((resolve) => {
    this.#tellFlavour = resolve;
  });
  #everConnected = false;
  #deadInARow = 0;
  #cancelWake: (() => void) | undefined;
  #cancelReconnect: (() => void) | undefined;
  readonly #brakes: Brakes;
  readonly #halt = new AbortController();
  /** Connections as they were asked for last. */
  #wanted: WantedConnections;
  /** Why nothing is handed out any more. */
  #stopped: (StopReason & { findUntil: number }) | undefined;
  readonly #chosen: Chosen | undefined;
  readonly #finished: Promise<void>;
  #finish: () => void = () => {};

  constructor(request: RunRequest, parts: RunParts) {
    this.#request = request;
    this.#parts = parts;
    this.#wanted = request.connections;
    this.#brakes = new Brakes(request.setup.connection.pace, parts.emit, () => this.#braked());
    this.#tally = new Tally(parts.emit);
    this.#unmatched = new UnmatchedNames(request.mode);
    this.#chosen = request.choice && chosenOf(request.choice, request.setup.layout);
    this.#finished = new Promise((resolve) => {
      this.#finish = resolve;
    });
    this.#queue.on('next', () => this.#pump());
    this.#backoff = new ReconnectBackoff(request.reconnectMaxWaitSeconds);
    const { skipLocked, lockedRetrySeconds, connections } = request;
    this.#growth = new Growth(connections, {
      clock: parts.clock,
      load: parts.load,
      open: () => this.#connections.open,
      progress: () => {
        const left = this.#schedule.unfinished;
        const done = this.#found.users - left;
        const useful = left + Math.min(left, this.#found.giants);
        return { done, left, useful, work: done + this.#uploaded };
      },
      onChange: () => {
        this.#tellConnections();
        this.#widen();
      },
    });
    this.#schedule = new Schedule(
      {
        skipLocked,
        lockedRetryMs: lockedRetrySeconds * 1_000,
        random: parts.random,
        asFound: request.order === 'found',
      },
      BATCHES_PER_CONNECTION,
    );
  }

  async execute(): Promise<RunResult> {
    const { clock, emit } = this.#parts;
    const signal = AbortSignal.any([this.#parts.signal, this.#halt.signal]);
    this.#started = clock.now();
    using _steering = this.#parts.steer?.(this.#steering());
    const ladder = shutdownLadder(signal, clock, {
      drain: () => {
        emit({ kind: 'run:stopping' });
        this.#stop({ by: 'signal' });
      },
      cut: () => this.#pool?.cut(),
      giveUp: () => this.#finish(),
    });
    const { durationSeconds } = this.#request.limits ?? {};
    const cancelLimit =
      durationSeconds === undefined
        ? undefined
        : clock.after(durationSeconds * 1_000, () => this.#stop({ by: 'max-duration' }));
    try {
      await this.#work();
    } catch (caught) {
      this.#fail(SyncError.from(caught, { phase: 'start' }).toData());
      await this.#finished;
    } finally {
      ladder[Symbol.dispose]();
      cancelLimit?.();
      await this.#pool?.close();
      this.#growth.pause();
    }

    const stopped = this.#stopped;
    const hasSkipped = this.#schedule.skippedJobs > 0;
    for (const job of this.#schedule.abandon()) this.#tally.unreached(job);
    const error = stopped?.by === 'error' ? stopped.error : this.#found.error;
    this.#tellUnmatched();
    const summary = this.#tally.summary({
      elapsedMs: clock.now() - this.#started,
      connections: this.#connections.summary,
      unmatched: this.#unmatched.count,
      allFound: this.#found.complete && !this.#found.error,
      stoppedBy: stopped
        ? stopped.by === 'error'
          ? undefined
          : stopped.by
        : hasSkipped
          ? 'skip'
          : undefined,
    });
    emit({ kind: 'run:end', summary });
    let exitCode = exitCodeOfRun(this.#request.mode.kind, summary);
    if (error) exitCode = exitCodeOfError(error.code);
    if (stopped?.by === 'signal') exitCode = EXIT_STOPPED;
    // As far as it came all is well, and another run goes on from there.
    const isCutShort = summary.unreached.length > 0 || !summary.allFound;
    const mayGoOn = stopped?.by === 'max-duration' || hasSkipped;
    if (mayGoOn && exitCode === EXIT_OK && isCutShort) exitCode = EXIT_STOPPED;
    return { exitCode, summary, error };
  }

  #steering(): Steering {
    return new RunSteering({
      brakes: this.#brakes,
      schedule: this.#schedule,
      emit: this.#parts.emit,
      connections: () => ({ limit: this.#wanted, most: this.#mostThatFit, open: this.#health.open }),
      setConnections: (limit) => this.#steerConnections(limit),
      stillFinding: () => !this.#found.complete,
      pump: () => this.#pump(),
      stop: () => this.#halt.abort(),
    });
  }

  get #mostThatFit(): number {
    const { openFiles, setup } = this.#request;
    const { lookAhead } = setup.options;
    return mostThatFit(openFiles, { lookAhead, batches: BATCHES_PER_CONNECTION });
  }

  #steerConnections(limit: WantedConnections): void {
    this.#wanted = limit;
    const most = Math.min(mostConnections(limit), this.#mostThatFit);
    const by = most < mostConnections(limit) ? 'open-files' : 'asked';
    this.#schedule.letPostpone(most > 1);
    this.#growth.steer(limit, most, by, this.#everConnected && !this.#queue.isPaused && !this.#health.isIll);
  }

  /** Pauses began or ended. */
  #braked(): void {
    if (this.#brakes.isPaused) {
      this.#growth.pause();
      return;
    }
    if (this.#everConnected && !this.#queue.isPaused && !this.#health.isIll) this.#growth.resume();
    this.#pump();
  }

  #tellUnmatched(): void {
    const { complete, users, error } = this.#found;
    if (complete && users === 0 && !error) this.#unmatched.nothingFound(this.#request.choice !== undefined);
    const { emit, openStore } = this.#parts;
    for (const name of this.#unmatched.explain(this.#request.setup.layout, openStore)) {
      emit({ kind: 'run:unmatched', ...name });
    }
  }

  async #work(): Promise<void> {
    const { mode, setup } = this.#request;
    const store = needsStore(mode) || setup.from ? this.#parts.openStore() : undefined;
    try {
      // A master that cannot be asked is found out before anything is begun.
      await store?.refresh(neededOf(mode));
      const search = new Search(
        mode,
        store,
        this.#parts.clock,
        (job, size) => this.#schedule.add(job, size),
        this.#chosen,
      );
      this.#mayFindMore = store !== undefined && this.#parts.findOnlyThere !== undefined;
      let complete = this.#find(search, FIRST_DISCOVERY_SLICE_MS);
      this.#openPool();
      this.#pump();
      // Those who will not be reached are to be told all the same, if they can be found soon.
      while (!complete && this.#parts.clock.now() < (this.#stopped?.findUntil ?? Infinity)) {
        // Answers and events that are due get their turn.
        if (this.#found.busy) await this.#pause(LOCKED_LIST_PAUSE_MS);
        else await setImmediate();
        complete = this.#find(search, DISCOVERY_SLICE_MS);
        this.#pump();
      }
      if (store && complete) await this.#findOnlyThere(search, store);
    } finally {
      store?.close();
    }
    await this.#finished;
  }

  #pause(milliseconds: number): Promise<void> {
    return new Promise((resolve) => this.#parts.clock.after(milliseconds, resolve));
  }

  /** @returns whether the store has no more of them */
  #find(search: Search, slice: number): boolean {
    const found = search.goOn(slice);
    this.#found = { ...found, complete: found.complete && !this.#mayFindMore };
    const { users, messages, complete } = this.#found;
    this.#parts.emit({ kind: 'run:discovered', users, messages, complete });
    return found.complete;
  }

  async #findOnlyThere(search: Search, store: MasterStore): Promise<void> {
    const { findOnlyThere, emit } = this.#parts;
    if (!this.#mayFindMore || !findOnlyThere || this.#stopped) return;
    // Nobody has anything to do for whom a connection would be made.
    if (this.#found.users === 0) this.#tellFlavour(undefined);
    // A run that is stopped does not wait for the replica's list.
    const only = await Promise.race([findOnlyThere(store, emit, this.#flavour), this.#finished]);
    if (this.#stopped) return;
    this.#mayFindMore = false;
    if (only)
      for (const job of jobsOnlyThere(only, this.#request.mode, store, this.#chosen)) search.take(job);
    this.#find(search, 0);
    this.#pump();
  }

  #openPool(): void {
    const { users, giants, complete } = this.#found;
    if (this.#stopped || (complete && users === 0)) return;
    const { connections: wanted, mode, setup } = this.#request;
    const work = { jobs: users, giants };
    const fitting = this.#request.mostConnections ?? Number.POSITIVE_INFINITY;
    const limit = mostConnections(wanted);
    const useful = complete ? connectionsFor(work, wanted) : limit;
    const most = Math.min(useful, fitting);
    this.#growth.setLimit(most, most < useful ? 'open-files' : useful < limit ? 'jobs' : 'asked');
    this.#schedule.letPostpone(most > 1);
    const { server } = setup.connection;
    this.#parts.emit({ kind: 'run:start', server, mode: mode.kind, connections: most });
    this.#tellConnections();
    this.#pool = this.#parts.openPool(most, this.#hear);
  }

  #tellConnections(): void {
    const { allowance, why } = this.#growth;
    this.#connections.allow(allowance.connections, why);
    this.#parts.emit({ kind: 'run:connections', most: allowance.connections, why });
  }

  readonly #hear = (event: SyncEvent): void => {
    switch (event.kind) {
      case 'connection:open':
        this.#health.opened();
        this.#connections.opened();
        this.#tellFlavour(event.flavour);
        if (!this.#health.isIll) this.#linkIsUp();
        break;
      case 'connection:lost':
      case 'connection:closed':
        this.#health.closed();
        this.#connections.closed();
        break;
      case 'user:progress':
        this.#uploaded += event.messages + event.octets / OCTETS_PER_WORK;
        break;
      case 'command:mailbox':
        this.#uploaded += 1;
        break;
      case 'job:postponed':
        this.#schedule.postpone(event.key);
        this.#growth.hurry();
        this.#pump();
        return;
      case 'name:absent':
        this.#unmatched.absent(event.name);
        break;
      default:
        break;
    }
    this.#parts.emit(event);
  };

  /** Starts what may start; notices when all is done. */
  #pump(): void {
    this.#cancelWake?.();
    this.#cancelWake = undefined;
    const queue = this.#queue;
    while (this.#mayBegin && queue.pending + queue.size < queue.concurrency) {
      const now = this.#parts.clock.now();
      const next = this.#health.isIll ? this.#schedule.probe(now) : this.#schedule.next(now);
      if (next.kind === 'nothing') break;
      if (next.kind === 'wait') {
        const delay = Math.max(1, next.until - this.#parts.clock.now());
        this.#cancelWake = this.#parts.clock.after(delay, () => this.#pump());
        break;
      }
      const { batch } = next;
      queue
        .add(() => this.#runBatch(batch))
        .catch((caught: unknown) => this.#fail(SyncError.from(caught).toData()));
    }
    const allDone = this.#found.complete && this.#schedule.unfinished === 0;
    if ((allDone || this.#stopped) && queue.pending + queue.size === 0) this.#finish();
  }

  get #mayBegin(): boolean {
    return !this.#stopped && !this.#queue.isPaused && !this.#brakes.isPaused;
  }

  async #runBatch(batch: Batch): Promise<void> {
    const before = this.#health.counters;
    let outcomes: Outcome[];
    try {
      if (!this.#pool) throw new SyncError('BUG', 'a batch was started before there was a pool');
      outcomes = await this.#pool.run(batch);
    } catch (caught) {
      outcomes = this.#threadDied(batch, SyncError.from(caught).toData());
    }
    const dispositions = this.#schedule.take(batch, outcomes, this.#parts.clock.now());
    for (const disposition of dispositions) this.#tally.take(disposition);
    const most = this.#request.limits?.errors;
    if (most !== undefined && this.#tally.counts.failed >= most) this.#stop({ by: 'max-errors' });
    this.#assess(outcomes, before);
  }

  #threadDied(batch: Batch, error: ErrorData): Outcome[] {
    this.#deadInARow += 1;
    if (this.#deadInARow >= DEAD_THREADS_TO_ABORT + this.#queue.concurrency) this.#fail(error);
    const counts = { mailboxes: 0, messages: 0, octets: 0 };
    return batch.jobs.map((job) => ({ kind: 'failed', job, error, counts }));
  }

  /** @param before when the batch began */
  #assess(outcomes: readonly Outcome[], before: HealthCounters): void {
    const assessment = this.#health.assess(outcomes, before, this.#queue.concurrency);
    if (assessment.kind === 'up') {
      this.#deadInARow = 0;
      this.#linkIsUp();
    } else if (this.#stopped) {
      return;
    } else if (assessment.kind === 'down') {
      this.#linkIsDown(assessment.error);
    } else if (assessment.kind === 'ill') {
      this.#replicaIsIll(assessment.error, assessment.times);
    } else if (assessment.kind === 'out-of-files') {
      this.#hostIsOutOfFiles(assessment.error, assessment.times);
    } else if (assessment.kind === 'full') {
      this.#takeFewer(assessment.connections);
    }
  }

  #takeFewer(open: number): void {
    const { connections } = this.#growth.allowance;
    const fewer = Math.max(1, Math.min(open, connections - 1));
    if (fewer < connections) {
      const { server } = this.#request.setup.connection;
      this.#parts.emit({ kind: 'replica:full', server, connections: fewer });
    }
    this.#growth.refusedBeyond(fewer, 'replica-full');
    this.#pump();
  }

  #linkIsUp(): void {
    this.#everConnected = true;
    this.#backoff.reset();
    if (this.#stopped || this.#queue.isPaused) return;
    this.#widen();
    if (!this.#brakes.isPaused) this.#growth.resume();
  }

  #widen(): void {
    const { allowance } = this.#growth;
    this.#pool?.use(allowance);
    this.#queue.concurrency = allowance.connections * BATCHES_PER_CONNECTION;
    this.#schedule.setSlots(allowance.connections * BATCHES_PER_CONNECTION);
    this.#pump();
  }

  #linkIsDown(error: ErrorData): void {
    const { emit } = this.#parts;
    const { server } = this.#request.setup.connection;
    if (this.#request.connectOnce || isHopeless(error, this.#everConnected)) {
      emit({ kind: 'connection:failed', server, error, retryInSeconds: undefined });
      this.#fail(error);
      return;
    }
    const retryInSeconds = this.#backoff.nextSeconds();
    emit({ kind: 'connection:failed', server, error, retryInSeconds });
    this.#waitToProbe(retryInSeconds);
  }

  /** @param times so often in a row */
  #replicaIsIll(error: ErrorData, times: number): void {
    const { emit } = this.#parts;
    const { server } = this.#request.setup.connection;
    const retryInSeconds = this.#request.connectOnce ? undefined : ILL_PAUSES_SECONDS[times - 1];
    emit({ kind: 'replica:ill', server, error, retryInSeconds });
    this.#schedule.forgiveLosses();
    if (retryInSeconds === undefined) this.#fail(replicaIll(server, error).toData());
    else this.#waitToProbe(retryInSeconds);
  }

  /** Nobody's fault, and it passes as soon as something ends: what is to come goes on with less. */
  #hostIsOutOfFiles(error: ErrorData, times: number): void {
    const retryInSeconds = doublingPause(OUT_OF_FILES_SECONDS, times);
    const limit = this.#request.openFiles;
    this.#parts.emit({ kind: 'host:out-of-files', limit, error, retryInSeconds });
    this.#schedule.halveBatches();
    this.#waitToProbe(retryInSeconds);
    this.#growth.refusedBeyond(Math.max(1, Math.floor(this.#growth.allowance.connections / 2)), 'open-files');
    this.#growth.pause();
  }

  #waitToProbe(seconds: number): void {
    this.#queue.pause();
    this.#growth.pause();
    this.#cancelReconnect = this.#parts.clock.after(seconds * 1_000, () => {
      this.#cancelReconnect = undefined;
      this.#queue.concurrency = this.#queue.pending + 1;
      this.#queue.start();
      this.#pump();
    });
  }

  #fail(error: ErrorData): void {
    this.#stop({ by: 'error', error });
  }

  #stop(reason: StopReason): void {
    // A signal that comes while an error is being cleared up says nothing new, and the other way round.
    this.#stopped ??= { ...reason, findUntil: this.#parts.clock.now() + DRAIN_GRACE_MS };
    this.#cancelReconnect?.();
    this.#growth.pause();
    // Nothing waits in the queue: batches are handed to it only as they can start.
    this.#queue.start();
    this.#pool?.cancel();
    this.#pump();
  }
}

/** The names that the search for jobs asks the store about. */
function neededOf(mode: RunRequest['mode']): Refresh {
  switch (mode.kind) {
    case 'all':
      return { everybody: true };
    case 'mailboxes':
      return { names: mode.names };
    case 'users':
    case 'meta':
      return {};
  }
}

function replicaIll(server: string, { message, hint }: ErrorData): SyncError {
  return new SyncError('REPLICA_ILL', `'${server}' loses every connection: ${message}`, {
    family: 'link',
    retryable: true,
    hint: hint ?? 'Look at its log and at its disks, then run again: what has arrived stays',
  });
}

function chosenOf(choice: Choice, layout: StoreLayout): Chosen {
  const chosen = chosenBy(choice);
  return { ...chosen, shared: (name) => chosen.shared(externalName(layout, name)) };
}
