import PQueue from 'p-queue';
import type { RunSummary } from '../../report/events.ts';
import { type ErrorData, SyncError } from '../../report/sync-error.ts';
import type { Brakes } from '../brakes.ts';
import { doublingPause } from '../doubling-pause.ts';
import {
  BATCHES_PER_CONNECTION,
  DEAD_THREADS_TO_ABORT,
  FAR_LINK_MS,
  ILL_PAUSES_SECONDS,
  OUT_OF_FILES_SECONDS,
} from '../limits.ts';
import type { Outcome } from '../pool/messages.ts';
import type { JobPool } from '../pool/pool.ts';
import type { ConnectionsInUse } from '../steering.ts';
import { ConnectionsUsed } from './connections-used.ts';
import { mostThatFit } from './fit-descriptors.ts';
import { connectionsFor, Growth, mostConnections, type WantedConnections } from './growth.ts';
import { isHopeless } from './is-hopeless.ts';
import { ReconnectBackoff } from './reconnect-backoff.ts';
import { type HealthCounters, ReplicaHealth } from './replica-health.ts';
import type { RunParts } from './run-parts.ts';
import type { RunRequest } from './run-request.ts';
import type { Schedule } from './schedule.ts';
import type { Findings } from './search.ts';

/** The run that batches are admitted to. */
export interface AdmittingRun {
  request: RunRequest;
  parts: RunParts;
  schedule: Schedule;
  brakes: Pick<Brakes, 'isPaused'>;
  /** undefined: not open yet. */
  pool(): JobPool | undefined;
  found(): Findings;
  /** Octets and messages across, in one measure. */
  uploaded(): number;
  isStopped(): boolean;
  /** Something may be begun now. */
  pump(): void;
  /** The run has to end. */
  fail(error: ErrorData): void;
}

/**
 * Says how many batches may run at once, by what the replica, the links to it and this host have shown.
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
export class Admission {
  readonly #run: AdmittingRun;
  readonly #queue = new PQueue({ concurrency: 1 });
  readonly #backoff: ReconnectBackoff;
  readonly #growth: Growth;
  readonly #connections = new ConnectionsUsed();
  readonly #health = new ReplicaHealth();
  /** Connections as they were asked for last. */
  #wanted: WantedConnections;
  #everConnected = false;
  /** Users have come back of whom one is enough for a connection. */
  #oneIsEnough = false;
  #deadInARow = 0;
  #cancelReconnect: (() => void) | undefined;

  constructor(run: AdmittingRun) {
    this.#run = run;
    const { request, parts, schedule } = run;
    this.#wanted = request.connections;
    this.#queue.on('next', () => run.pump());
    this.#backoff = new ReconnectBackoff(request.reconnectMaxWaitSeconds);
    this.#growth = new Growth(request.connections, {
      clock: parts.clock,
      load: parts.load,
      open: () => this.#connections.open,
      progress: () => {
        const { users, large } = run.found();
        const left = schedule.unfinished;
        const done = users - left;
        // What is under way stays where it is.
        const batches = left - schedule.running + this.#queue.pending;
        return { done, left, useful: batches + Math.min(left, large), work: done + run.uploaded() };
      },
      onChange: () => {
        this.tellConnections();
        this.#widen();
      },
    });
  }

  /** Another batch may be begun now. */
  get isOpen(): boolean {
    const queue = this.#queue;
    if (this.#run.isStopped() || this.#run.brakes.isPaused || queue.isPaused) return false;
    return queue.pending + queue.size < queue.concurrency;
  }

  /** No batch is under way. */
  get isIdle(): boolean {
    return this.#queue.pending + this.#queue.size === 0;
  }

  /** A batch must be one job alone, to see whether the replica serves anybody. */
  get isProbing(): boolean {
    return this.#health.isIll;
  }

  get connections(): ConnectionsInUse {
    return { limit: this.#wanted, most: this.#mostThatFit, open: this.#health.open };
  }

  get connectionsUsed(): RunSummary['connections'] {
    return this.#connections.summary;
  }

  /** Before the pool is opened. @returns connections at most */
  limit(): number {
    const { request } = this.#run;
    const { users, large, complete } = this.#run.found();
    const fitting = request.mostConnections ?? Number.POSITIVE_INFINITY;
    const limit = mostConnections(request.connections);
    const useful = complete ? connectionsFor({ jobs: users, large }, request.connections) : limit;
    const most = Math.min(useful, fitting);
    this.#growth.setLimit(most, most < useful ? 'open-files' : useful < limit ? 'jobs' : 'asked');
    this.#letPostpone(most);
    return most;
  }

  /** Begins a batch. @param batch is given the replica's health as it is then */
  admit(batch: (health: HealthCounters) => Promise<void>): void {
    this.#queue
      .add(() => batch(this.#health.counters))
      .catch((caught: unknown) => this.#run.fail(SyncError.from(caught).toData()));
  }

  connectionOpened(): void {
    this.#health.opened();
    this.#connections.opened();
    if (!this.#health.isIll) this.#linkIsUp();
  }

  connectionEnded(): void {
    this.#health.closed();
    this.#connections.closed();
  }

  /** One connection alone has more to do than it can. @param backlogMs as for `Growth.hurry` */
  hurry({ wayMs, backlogMs }: { wayMs: number; backlogMs: number | undefined }): void {
    this.#oneIsEnough = true;
    this.#growth.hurry(wayMs >= FAR_LINK_MS, backlogMs);
    // Only then: who came back would begin on a connection that another has. But also where there are to be no more of them.
    this.#widen();
  }

  steerConnections(limit: WantedConnections): void {
    this.#wanted = limit;
    const most = Math.min(mostConnections(limit), this.#mostThatFit);
    const by = most < mostConnections(limit) ? 'open-files' : 'asked';
    this.#letPostpone(most);
    this.#growth.steer(limit, most, by, this.#isUp);
  }

  /** Pauses that the operator wants began or ended. */
  braked(): void {
    if (this.#run.brakes.isPaused) {
      this.#growth.pause();
      return;
    }
    if (this.#isUp) this.#growth.resume();
    this.#run.pump();
  }

  threadDied(error: ErrorData): void {
    this.#deadInARow += 1;
    if (this.#deadInARow >= DEAD_THREADS_TO_ABORT + this.#queue.concurrency) this.#run.fail(error);
  }

  /** @param before when the batch began */
  assess(outcomes: readonly Outcome[], before: HealthCounters): void {
    const assessment = this.#health.assess(outcomes, before, this.#queue.concurrency);
    if (assessment.kind === 'up') {
      this.#deadInARow = 0;
      this.#linkIsUp();
    } else if (this.#run.isStopped()) {
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

  /** Nothing is begun any more; what is under way ends. */
  stop(): void {
    this.#cancelReconnect?.();
    this.#growth.pause();
    // Nothing waits in the queue: batches are handed to it only as they can start.
    this.#queue.start();
  }

  get #isUp(): boolean {
    return this.#everConnected && !this.#queue.isPaused && !this.#health.isIll;
  }

  /** The connections of a number that the operator gave are all to have work at once. */
  #letPostpone(mostConnections: number): void {
    const postponing = this.#wanted === 'auto' ? 'when-busy' : 'at-once';
    this.#run.schedule.letPostpone(mostConnections > 1 ? postponing : undefined);
  }

  get #mostThatFit(): number {
    const { openFiles, setup } = this.#run.request;
    const { lookAhead } = setup.options;
    return mostThatFit(openFiles, { lookAhead, batches: BATCHES_PER_CONNECTION });
  }

  /** How many there may be now, and why no more. */
  tellConnections(): void {
    const { allowance, why } = this.#growth;
    this.#connections.allow(allowance.connections, why);
    this.#run.parts.emit({ kind: 'run:connections', most: allowance.connections, why });
  }

  #takeFewer(open: number): void {
    const { connections } = this.#growth.allowance;
    const fewer = Math.max(1, Math.min(open, connections - 1));
    if (fewer < connections) {
      this.#run.parts.emit({ kind: 'replica:full', server: this.#server, connections: fewer });
    }
    this.#growth.refusedBeyond(fewer, 'replica-full');
    this.#run.pump();
  }

  #linkIsUp(): void {
    this.#everConnected = true;
    this.#backoff.reset();
    if (this.#run.isStopped() || this.#queue.isPaused) return;
    this.#widen();
    if (!this.#run.brakes.isPaused) this.#growth.resume();
  }

  #widen(): void {
    const { allowance } = this.#growth;
    this.#run.pool()?.use(allowance);
    const batches = allowance.connections * this.#batchesPerConnection;
    this.#queue.concurrency = batches;
    this.#run.schedule.setSlots(batches);
    this.#run.pump();
  }

  /**
   * Two fill each other's gaps. Users with much to send get a connection each, until it is known what one costs, and as long as that
   * is much: two that share one would be the last of all while others have nothing to do.
   */
  get #batchesPerConnection(): number {
    const { knowsPace, isPaceSlow } = this.#run.schedule;
    const isEnough = knowsPace ? isPaceSlow : this.#oneIsEnough && this.#wanted === 'auto';
    return isEnough ? 1 : BATCHES_PER_CONNECTION;
  }

  #linkIsDown(error: ErrorData): void {
    const { request, parts } = this.#run;
    const server = this.#server;
    if (request.connectOnce || isHopeless(error, this.#everConnected)) {
      parts.emit({ kind: 'connection:failed', server, error, retryInSeconds: undefined });
      this.#run.fail(error);
      return;
    }
    const retryInSeconds = this.#backoff.nextSeconds();
    parts.emit({ kind: 'connection:failed', server, error, retryInSeconds });
    this.#waitToProbe(retryInSeconds);
  }

  /** @param times so often in a row */
  #replicaIsIll(error: ErrorData, times: number): void {
    const { request, parts, schedule } = this.#run;
    const server = this.#server;
    const retryInSeconds = request.connectOnce ? undefined : ILL_PAUSES_SECONDS[times - 1];
    parts.emit({ kind: 'replica:ill', server, error, retryInSeconds });
    schedule.forgiveLosses();
    if (retryInSeconds === undefined) this.#run.fail(replicaIll(server, error).toData());
    else this.#waitToProbe(retryInSeconds);
  }

  /** Nobody's fault, and it passes as soon as something ends: what is to come goes on with less. */
  #hostIsOutOfFiles(error: ErrorData, times: number): void {
    const { request, parts, schedule } = this.#run;
    const retryInSeconds = doublingPause(OUT_OF_FILES_SECONDS, times);
    parts.emit({ kind: 'host:out-of-files', limit: request.openFiles, error, retryInSeconds });
    schedule.halveBatches();
    this.#waitToProbe(retryInSeconds);
    this.#growth.refusedBeyond(Math.max(1, Math.floor(this.#growth.allowance.connections / 2)), 'open-files');
    this.#growth.pause();
  }

  #waitToProbe(seconds: number): void {
    this.#queue.pause();
    this.#growth.pause();
    this.#cancelReconnect = this.#run.parts.clock.after(seconds * 1_000, () => {
      this.#cancelReconnect = undefined;
      this.#queue.concurrency = this.#queue.pending + 1;
      this.#queue.start();
      this.#run.pump();
    });
  }

  get #server(): string {
    return this.#run.request.setup.connection.server;
  }
}

function replicaIll(server: string, { message, hint }: ErrorData): SyncError {
  return new SyncError('REPLICA_ILL', `'${server}' loses every connection: ${message}`, {
    family: 'link',
    retryable: true,
    hint: hint ?? 'Look at its log and at its disks, then run again: what has arrived stays',
  });
}
