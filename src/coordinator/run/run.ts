/**
 * The door of `coordinator/run`. Here is one run from the search for jobs to its summary: the schedule, the number of
 * connections, the replica's health, what becomes of names that match nothing, exit codes. It may use pools by their contract
 * and the store to find jobs, never a connection. Every job found has one last word, a replica that is away is waited for by
 * one batch rather than all, and a stop ends a run within the ladder's time.
 */

import type { SyncEvent } from '../../report/events.ts';
import { type ErrorData, SyncError } from '../../report/sync-error.ts';
import { Brakes } from '../brakes.ts';
import { BATCHES_PER_CONNECTION, DRAIN_GRACE_MS, OCTETS_PER_WORK } from '../limits.ts';
import type { Batch, Outcome } from '../pool/messages.ts';
import type { JobPool } from '../pool/pool.ts';
import { shutdownLadder } from '../shutdown-ladder.ts';
import type { Steering } from '../steering.ts';
import { Admission } from './admission.ts';
import { exitCodeOfRun } from './exit-codes.ts';
import { JobFinding } from './job-finding.ts';
import type { HealthCounters } from './replica-health.ts';
import type { RunParts, RunResult } from './run-parts.ts';
import type { RunRequest } from './run-request.ts';
import { RunSteering } from './run-steering.ts';
import { Schedule } from './schedule.ts';
import { Tally } from './tally.ts';

type StopReason =
  | { by: 'signal' }
  | { by: 'error'; error: ErrorData }
  | { by: 'max-errors' }
  | { by: 'max-duration' };

export type { RunParts, RunResult } from './run-parts.ts';

/** Does what the request says. Never rejects for anything that went wrong on the way: that is in the result. */
export function run(request: RunRequest, parts: RunParts): Promise<RunResult> {
  return new Run(request, parts).execute();
}

/** One run: `JobFinding` says what there is to do, `Schedule` what is next, `Admission` how many at once; the pool does it. */
class Run {
  readonly #request: RunRequest;
  readonly #parts: RunParts;
  readonly #tally: Tally;
  readonly #schedule: Schedule;
  readonly #admission: Admission;
  #pool: JobPool | undefined;
  /** Octets and messages across, in one measure. */
  #uploaded = 0;
  #started = 0;
  readonly #finding: JobFinding;
  #cancelWake: (() => void) | undefined;
  readonly #brakes: Brakes;
  readonly #halt = new AbortController();
  /** Why nothing is handed out any more. */
  #stopped: (StopReason & { findUntil: number }) | undefined;
  readonly #finished: Promise<void>;
  #finish: () => void = () => {};
  #isFinished = false;

  constructor(request: RunRequest, parts: RunParts) {
    this.#request = request;
    this.#parts = parts;
    this.#brakes = new Brakes(request.setup.connection.pace, parts.emit, () => this.#admission.braked());
    this.#tally = new Tally(parts.emit);
    this.#finding = new JobFinding(request, parts, (job, size) => this.#schedule.add(job, size));
    this.#finished = new Promise((resolve) => {
      this.#finish = () => {
        this.#isFinished = true;
        resolve();
      };
    });
    const { skipLocked, lockedRetrySeconds } = request;
    this.#schedule = new Schedule(
      {
        skipLocked,
        lockedRetryMs: lockedRetrySeconds * 1_000,
        random: parts.random,
        asFound: request.order === 'found',
      },
      BATCHES_PER_CONNECTION,
    );
    this.#admission = new Admission({
      request,
      parts,
      schedule: this.#schedule,
      brakes: this.#brakes,
      pool: () => this.#pool,
      found: () => this.#finding.found,
      uploaded: () => this.#uploaded,
      isStopped: () => this.#stopped !== undefined,
      pump: () => this.#pump(),
      fail: (error) => this.#fail(error),
    });
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
      cut: () => {
        this.#pool?.cut();
        this.#finding.giveUp();
      },
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
      this.#admission.stop();
    }

    const stopped = this.#stopped;
    const hasSkipped = this.#schedule.skippedJobs > 0;
    for (const job of this.#schedule.abandon()) this.#tally.unreached(job);
    const error = stopped?.by === 'error' ? stopped.error : this.#finding.found.error;
    const unmatched = this.#finding.tellUnmatched();
    const summary = this.#tally.summary({
      elapsedMs: clock.now() - this.#started,
      connections: this.#admission.connectionsUsed,
      unmatched,
      allFound: this.#finding.found.complete && !this.#finding.found.error,
      stoppedBy: stopped
        ? stopped.by === 'error'
          ? undefined
          : stopped.by
        : hasSkipped
          ? 'skip'
          : undefined,
    });
    emit({ kind: 'run:end', summary });
    return { exitCode: exitCodeOfRun(this.#request.mode.kind, summary, error), summary, error };
  }

  #steering(): Steering {
    return new RunSteering({
      brakes: this.#brakes,
      schedule: this.#schedule,
      emit: this.#parts.emit,
      connections: () => this.#admission.connections,
      setConnections: (limit) => this.#admission.steerConnections(limit),
      stillFinding: () => !this.#finding.found.complete,
      isEnding: () => this.#stopped !== undefined || this.#isFinished,
      pump: () => this.#pump(),
      stop: () => this.#halt.abort(),
    });
  }

  async #work(): Promise<void> {
    try {
      await this.#finding.begin();
      this.#openPool();
      this.#pump();
      // Those who will not be reached are to be told all the same, if they can be found soon.
      await this.#finding.finish({
        mayGoOn: () => this.#parts.clock.now() < (this.#stopped?.findUntil ?? Infinity),
        isStopped: () => this.#stopped !== undefined,
        stopped: this.#finished,
        onFound: () => this.#pump(),
      });
    } finally {
      this.#finding.close();
    }
    await this.#finished;
  }

  #openPool(): void {
    const { users, complete } = this.#finding.found;
    if (this.#stopped || (complete && users === 0)) return;
    const { mode, setup } = this.#request;
    const connections = this.#admission.limit();
    this.#parts.emit({ kind: 'run:start', server: setup.connection.server, mode: mode.kind, connections });
    this.#admission.tellConnections();
    this.#pool = this.#parts.openPool(connections, this.#hear);
  }

  readonly #hear = (event: SyncEvent): void => {
    switch (event.kind) {
      case 'connection:open':
        this.#finding.tellFlavour(event.flavour);
        this.#admission.connectionOpened();
        break;
      case 'connection:lost':
      case 'connection:closed':
        this.#admission.connectionEnded();
        break;
      case 'user:progress':
        this.#uploaded += event.messages + event.octets / OCTETS_PER_WORK;
        break;
      case 'command:mailbox':
        this.#uploaded += 1;
        break;
      case 'job:postponed':
        this.#schedule.postpone(event.key);
        this.#admission.hurry(event);
        this.#pump();
        return;
      case 'name:absent':
        this.#finding.absent(event.name);
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
    while (this.#admission.isOpen) {
      const now = this.#parts.clock.now();
      const next = this.#admission.isProbing ? this.#schedule.probe(now) : this.#schedule.next(now);
      if (next.kind === 'nothing') break;
      if (next.kind === 'wait') {
        const delay = Math.max(1, next.until - this.#parts.clock.now());
        this.#cancelWake = this.#parts.clock.after(delay, () => this.#pump());
        break;
      }
      this.#admission.admit((health) => this.#runBatch(next.batch, health));
    }
    const allDone = this.#finding.found.complete && this.#schedule.unfinished === 0;
    if ((allDone || this.#stopped) && this.#admission.isIdle) this.#finish();
  }

  /** @param health of the replica when the batch begins */
  async #runBatch(batch: Batch, health: HealthCounters): Promise<void> {
    let outcomes: Outcome[];
    try {
      if (!this.#pool) throw new SyncError('BUG', 'a batch was started before there was a pool');
      outcomes = await this.#pool.run(batch);
    } catch (caught) {
      const error = SyncError.from(caught).toData();
      this.#admission.threadDied(error);
      const counts = { mailboxes: 0, messages: 0, octets: 0 };
      outcomes = batch.jobs.map((job) => ({ kind: 'failed', job, error, counts }));
    }
    const dispositions = this.#schedule.take(batch, outcomes, this.#parts.clock.now());
    for (const disposition of dispositions) this.#tally.take(disposition);
    const most = this.#request.limits?.errors;
    if (most !== undefined && this.#tally.counts.failed >= most) this.#stop({ by: 'max-errors' });
    this.#admission.assess(outcomes, health);
  }

  #fail(error: ErrorData): void {
    this.#stop({ by: 'error', error });
  }

  #stop(reason: StopReason): void {
    // A signal that comes while an error is being cleared up says nothing new, and the other way round.
    this.#stopped ??= { ...reason, findUntil: this.#parts.clock.now() + DRAIN_GRACE_MS };
    this.#admission.stop();
    this.#pool?.cancel();
    this.#pump();
  }
}
