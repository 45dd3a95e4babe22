import type { ByteString } from '../../byte-string.ts';
import type { Effort, Evidence } from '../../report/events.ts';
import type { ErrorData } from '../../report/sync-error.ts';
import { BATCH_JOBS, GIANT_MESSAGES, SLOTS_PER_SMALL_SHARE, SPREAD_MESSAGES } from '../limits.ts';
import { jobKey } from '../pool/job-key.ts';
import type { Batch, Job, Outcome, Postponing } from '../pool/messages.ts';
import { AsFound } from './as-found.ts';
import { LargestFirst } from './largest-first.ts';
import { LowestFirst } from './lowest-first.ts';
import { Pace } from './pace.ts';
import { RetryPolicy } from './retry-policy.ts';
import {
  failedWith,
  forgiveLosses,
  type ScheduledJob,
  scheduledJob,
  scheduledJobOf,
  spend,
  takeEvidence,
  userOf,
  type WaitingJob,
} from './scheduled-job.ts';
import type { End, SizedQueue } from './sized-queue.ts';

/** The answer of `next`: something to start, when to ask again, or nothing that waits. */
export type Next = { kind: 'batch'; batch: Batch } | { kind: 'wait'; until: number } | { kind: 'nothing' };

export type FinalOutcome = Exclude<Outcome, { kind: 'untouched' | 'postponed' }>;

/** The schedule's decision about one job of a batch that has come back. */
export type Disposition =
  /** `again`: it had failed for good before, and was asked for once more. `evidence` is to be told. */
  | { kind: 'final'; outcome: FinalOutcome; evidence: readonly Evidence[]; effort: Effort; again: boolean }
  | { kind: 'parked'; job: Job; user: string; first: boolean }
  | { kind: 'retry'; job: Job; delayMs: number; error: ErrorData }
  /** Never begun: it waits again as if nothing had been. */
  | { kind: 'returned'; job: Job };

/**
 * A job whose turn never came to its end. `failed`: its last word, from before it was asked for again; `evidence`: that of an
 * attempt that was to be followed by another.
 */
export type Abandoned = Readonly<Pick<ScheduledJob, 'job' | 'effort' | 'failed' | 'evidence'>>;

export interface ScheduleOptions {
  skipLocked: boolean;
  /** Milliseconds between tries of a locked user when nothing else waits. */
  lockedRetryMs: number;
  /** In the order in which they are added, rather than the largest first. */
  asFound?: boolean;
  /** 0 <= r < 1, for jitter. */
  random(): number;
}

/**
 * Which job when: pure policy, no clock and no promise of its own.
 *
 * A job is in exactly one place:
 *
 *     waiting ──next()──► running ──take()──► done
 *     (giants, small)       │ ▲
 *        ▲                  │ └──── next() ── delayed (a retry, run alone) or parked (its lock is held)
 *        └─── untouched ────┴──────────────► delayed, parked
 *
 * One that is done and has failed can be asked for again (`retry`): as if it were new, but that its effort goes on.
 *
 * - Giants start first, the largest first, but a share of the slots stays with small users while any wait.
 * - Small users go out several to a batch, as many as the replica deals with in a moment (`Pace`), the largest of those
 *   known first, so that none of them is left for the end; a share of the slots takes the smallest. These have most of their
 *   mailboxes made, which a replica does one after the other, while the large ones send messages. Left to the end they would wait
 *   for nothing but that. Of the first batches, of which nothing is known, those come back that have more to send than their
 *   connection wants.
 * - Whatever failed runs alone the next time, and on a connection of its own if one broke under it: if it does so again, it takes
 *   nobody with it, nor is it taken along by whoever did. If it does so at the same mailbox, it goes on without that one.
 * - A parked job starts when nothing else waits, or after a good while. With `skipLocked` one is parked only if others of the run
 *   were under way beside it, any of whom may have had the lock, and starts when none is.
 */
export class Schedule {
  readonly #options: ScheduleOptions;
  readonly #retries: RetryPolicy;
  #slots: number;
  /** Ascending by size: the largest is popped. */
  readonly #giants: ScheduledJob[] = [];
  readonly #small: SizedQueue<WaitingJob>;
  /** By the time when they are due. */
  readonly #delayed = new LowestFirst<ScheduledJob>();
  /** By the time when they are due while nothing else waits; all of them are in the next one too. */
  readonly #parked = new LowestFirst<ScheduledJob>();
  /** By the time when they are due whatever else waits. */
  readonly #parkedLong = new LowestFirst<ScheduledJob>();
  readonly #running = new Map<string, ScheduledJob>();
  /** Done. */
  readonly #failed = new Map<string, ScheduledJob>();
  #giantsRunning = 0;
  /** Batches of the smallest that are under way. */
  readonly #light = new Set<number>();
  #mostJobs = BATCH_JOBS;
  readonly #pace = new Pace();
  #postponing: Postponing | undefined;
  /** Sizes of all jobs found so far, added up. */
  #messages = 0;
  #nextBatch = 1;
  /** Before all others. */
  readonly #hastened: ScheduledJob[] = [];
  /** Users who are not to be begun, and those of them who have been found. */
  readonly #skip = new Set<ByteString>();
  readonly #skipped = new Map<string, ScheduledJob>();

  /** @param slots batches that may run at once */
  constructor(options: ScheduleOptions, slots: number) {
    this.#options = options;
    this.#retries = new RetryPolicy(options.lockedRetryMs, options.random);
    this.#slots = slots;
    this.#small = options.asFound ? new AsFound() : new LargestFirst();
  }

  setSlots(slots: number): void {
    this.#slots = slots;
  }

  /** @param postponing undefined: no other connection can take what one has too much of */
  letPostpone(postponing: Postponing | undefined): void {
    this.#postponing = postponing;
  }

  /** Jobs that have no final outcome, without those skipped. */
  get unfinished(): number {
    return this.#waiting + this.#delayed.size + this.#parked.size + this.#running.size;
  }

  /** Some job has told how long the replica is at work on one. */
  get knowsPace(): boolean {
    return this.#pace.isKnown;
  }

  /** One job alone keeps a connection at work, as far as some have told. */
  get isPaceSlow(): boolean {
    return this.#pace.isSlow;
  }

  /** Unfinished jobs that are under way. */
  get running(): number {
    return this.#running.size;
  }

  /** Users who are not begun because they are to be skipped. */
  get skipped(): readonly ByteString[] {
    return [...this.#skip];
  }

  /** Jobs of those. */
  get skippedJobs(): number {
    return this.#skipped.size;
  }

  /** @param job no other of the run has its key @param size messages expected */
  add(job: Job, size: number): void {
    this.#messages += size;
    if (this.#skip.size > 0 && this.#putAside(scheduledJob(job, size))) return;
    if (size >= GIANT_MESSAGES && !this.#options.asFound) this.#wait(scheduledJob(job, size));
    else this.#small.add(job.kind === 'user' ? job.userid : scheduledJob(job, size), size);
  }

  next(now: number): Next {
    const hastened = this.#hastened.shift();
    if (hastened) return this.#start([hastened]);
    const alone = this.#delayed.take(now) ?? this.#parkedLong.take(now);
    if (alone) {
      this.#parked.delete(alone);
      return this.#start([alone]);
    }

    const giantsMayStart = this.#small.length === 0 || this.#giantsRunning < this.#giantLimit;
    const giant = giantsMayStart ? this.#giants.pop() : undefined;
    if (giant) return this.#start([giant]);
    if (this.#small.length > 0) return this.#startSmall();

    const parked = this.#mayStartParked ? this.#parked.take(now) : undefined;
    if (parked) {
      this.#parkedLong.delete(parked);
      return this.#start([parked]);
    }
    const parkedUntil = this.#mayStartParked ? this.#parked.lowest() : undefined;
    const times = [this.#delayed.lowest(), parkedUntil].filter((time) => time !== undefined);
    return times.length === 0 ? { kind: 'nothing' } : { kind: 'wait', until: Math.min(...times) };
  }

  /**
   * One job, to see whether the replica serves anybody: one that has not been tried, as long as there is any, because those
   * that were may be what it cannot bear.
   */
  probe(now: number): Next {
    if (this.#small.length > 0) return this.#start(this.#takeSmall(1));
    const giant = this.#giants.pop();
    return giant ? this.#start([giant]) : this.next(now);
  }

  /** This user before all others. @returns whether one waits, or is at work already */
  hasten(user: ByteString): 'done' | 'running' | 'unknown' {
    if (this.#isRunning(user)) return 'running';
    const entry = this.#takeOut(user);
    if (!entry) return 'unknown';
    this.#hastened.push(entry);
    return 'done';
  }

  /** One that failed or was locked, before its time; or one that had failed for good. */
  retry(
    user: ByteString,
  ): { kind: 'done' } | { kind: 'again'; key: string } | { kind: 'running' | 'unknown' } {
    if (this.#isRunning(user)) return { kind: 'running' };
    const waiting = this.#takeDelayed(user);
    const entry = waiting ?? this.#takeFailed(user);
    if (!entry) return { kind: 'unknown' };
    this.#hastened.push(entry);
    return waiting ? { kind: 'done' } : { kind: 'again', key: entry.key };
  }

  hasFailed(user: ByteString): boolean {
    return this.#failedOf(user) !== undefined;
  }

  /** Not begun any more; one who runs goes on, but is not begun again. */
  skip(user: ByteString): 'done' | 'running' | 'as-it-was' | 'unknown' {
    if (this.#skip.has(user)) return 'as-it-was';
    this.#skip.add(user);
    if (this.#isRunning(user)) return 'running';
    const entry = this.#takeOut(user);
    if (!entry) return 'unknown';
    this.#skipped.set(entry.key, entry);
    return 'done';
  }

  unskip(user: ByteString): 'done' | 'as-it-was' {
    if (!this.#skip.delete(user)) return 'as-it-was';
    for (const [key, entry] of this.#skipped) {
      if (userOf(entry) !== user) continue;
      this.#skipped.delete(key);
      this.#wait(entry);
    }
    return 'done';
  }

  /** Users that wait, about in the order in which they come. */
  firstWaiting(most: number): ByteString[] {
    const waiting = [...this.#hastened, ...this.#giants.toReversed(), ...this.#small.first(most)];
    const users = waiting.map(userOf).filter((user) => user !== undefined);
    for (const entries of [this.#delayed, this.#parked]) {
      if (users.length >= most) break;
      for (const entry of entries) users.push(userOf(entry) ?? '');
    }
    return users.filter((user) => user !== '').slice(0, most);
  }

  #isRunning(user: ByteString): boolean {
    return this.#running.has(`user:${user}`) || this.#running.has(`meta:${user}`);
  }

  #takeOut(user: ByteString): ScheduledJob | undefined {
    return this.#takeWaiting(user) ?? this.#takeDelayed(user);
  }

  #takeWaiting(user: ByteString): ScheduledJob | undefined {
    for (const entries of [this.#hastened, this.#giants]) {
      const index = entries.findIndex((entry) => userOf(entry) === user);
      if (index >= 0) return entries.splice(index, 1)[0];
    }
    const removed = this.#small.remove((waiting) => userOf(waiting) === user);
    return removed && scheduledJobOf(removed.item, removed.size);
  }

  #takeDelayed(user: ByteString): ScheduledJob | undefined {
    for (const entries of [this.#delayed, this.#parked]) {
      for (const entry of entries) {
        if (userOf(entry) !== user) continue;
        entries.delete(entry);
        this.#parkedLong.delete(entry);
        return entry;
      }
    }
    return undefined;
  }

  #failedOf(user: ByteString): ScheduledJob | undefined {
    return this.#failed.get(`user:${user}`) ?? this.#failed.get(`meta:${user}`);
  }

  #takeFailed(user: ByteString): ScheduledJob | undefined {
    const entry = this.#failedOf(user);
    if (!entry) return undefined;
    this.#failed.delete(entry.key);
    entry.attempts = 0;
    forgiveLosses(entry);
    return entry;
  }

  /** @returns whether it is to be skipped */
  #putAside(entry: ScheduledJob): boolean {
    const user = userOf(entry);
    if (user === undefined || !this.#skip.has(user)) return false;
    this.#skipped.set(entry.key, entry);
    return true;
  }

  /** Fewer users at once from now on, for the sake of this host. */
  halveBatches(): void {
    this.#mostJobs = Math.max(1, Math.floor(this.#mostJobs / 2));
  }

  /** It was the replica, not those who were at work: their broken links count no more, nor does any mailbox of theirs. */
  forgiveLosses(): void {
    for (const entry of this.#delayed) forgiveLosses(entry);
  }

  /**
   * Takes a batch's outcomes. Answers for jobs that are not running are passed over and jobs without an answer go on
   * as `untouched`, so that whatever a thread says, nothing is lost and nothing ends twice.
   */
  take(batch: Batch, outcomes: readonly Outcome[], now: number): Disposition[] {
    const dispositions: Disposition[] = [];
    this.#light.delete(batch.id);
    for (const outcome of outcomes) if (outcome.kind === 'synced') this.#pace.done(outcome.servedMs);
    const mine = new Set(batch.jobs.map(jobKey));
    for (const outcome of outcomes) {
      const key = jobKey(outcome.job);
      // What was postponed may be running again, in another batch.
      if (!mine.delete(key) || outcome.kind === 'postponed') continue;
      const entry = this.#stop(key);
      if (entry) dispositions.push(this.#takeOne(entry, outcome, now));
    }
    for (const key of mine) {
      const entry = this.#stop(key);
      if (!entry) continue;
      this.#wait(entry);
      dispositions.push({ kind: 'returned', job: entry.job });
    }
    return dispositions;
  }

  /** One of a batch that goes on without it. */
  postpone(key: string): void {
    const entry = this.#stop(key);
    if (!entry) return;
    entry.job = { ...entry.job, laden: true };
    this.#wait(entry, 'by size');
  }

  /** The run ends early: all that have no final outcome, those who are still running included; none waits afterwards. */
  abandon(): Abandoned[] {
    const begun = [...this.#running.values(), ...this.#delayed, ...this.#parked];
    const entries = [
      ...begun,
      ...this.#hastened.splice(0),
      ...this.#giants.splice(0),
      ...this.#skipped.values(),
    ];
    for (const emptied of [this.#running, this.#delayed, this.#parked, this.#parkedLong, this.#skipped]) {
      emptied.clear();
    }
    return [...entries, ...this.#small.takeAll().map((waiting) => scheduledJobOf(waiting, 0))];
  }

  #takeOne(entry: ScheduledJob, outcome: Exclude<Outcome, { kind: 'postponed' }>, now: number): Disposition {
    const { job, effort } = entry;
    const again = entry.failed !== undefined;
    spend(effort, outcome);
    const isDone = outcome.kind === 'synced' || outcome.kind === 'absent';
    // Until an attempt finds something else, what one before it found is all that is known.
    if (isDone || outcome.evidence) entry.evidence = outcome.evidence ?? [];
    const final = (last: FinalOutcome): Disposition => {
      const evidence = takeEvidence(entry);
      if (last.kind === 'failed') entry.failed = failedWith(last.error, evidence);
      return { kind: 'final', outcome: { ...last, job }, evidence, effort, again };
    };
    switch (outcome.kind) {
      case 'synced':
      case 'absent':
        return final(outcome);
      case 'untouched':
        this.#wait(entry);
        return { kind: 'returned', job };
      case 'locked':
        if (this.#options.skipLocked && this.#wasAlone(entry)) return final(outcome);
        entry.timesParked += 1;
        if (this.#putAside(entry)) return { kind: 'returned', job };
        this.#park(entry, now);
        return { kind: 'parked', job, user: outcome.user, first: entry.timesParked === 1 };
      case 'failed': {
        const { error } = outcome;
        // Neither says anything of the job.
        if (error.code === 'CANCELLED' || error.code === 'TOO_MANY_FILES') {
          this.#wait(entry);
          return { kind: 'returned', job };
        }
        const delayMs = this.#retries.retryDelayMs(entry, outcome);
        if (delayMs === undefined) {
          this.#failed.set(entry.key, entry);
          return final(outcome);
        }
        if (this.#putAside(entry)) return { kind: 'returned', job };
        this.#delayed.add(entry, now + delayMs);
        return { kind: 'retry', job, delayMs, error };
      }
    }
  }

  #park(entry: ScheduledJob, now: number): void {
    if (this.#options.skipLocked) {
      this.#parked.add(entry, now);
      return;
    }
    this.#parked.add(entry, now + this.#retries.parkedPauseMs(entry));
    this.#parkedLong.add(entry, now + this.#retries.parkedWhileBusyMs());
  }

  /** Who is to be skipped for a lock is asked once more with nobody beside: a job of this run may have had the lock. */
  get #mayStartParked(): boolean {
    return !this.#options.skipLocked || this.#running.size === 0;
  }

  /** No other job of the run was under way meanwhile. */
  #wasAlone({ start }: ScheduledJob): boolean {
    return start?.alone === true && start.batch === this.#nextBatch - 1;
  }

  /** Giants at once while small users wait too; where only one batch can run, those are first. */
  get #giantLimit(): number {
    const slots = this.#slots;
    return slots === 1 ? 0 : slots - Math.max(1, Math.floor(slots / SLOTS_PER_SMALL_SHARE));
  }

  get #waiting(): number {
    return this.#hastened.length + this.#giants.length + this.#small.length;
  }

  /** A giant takes its place by size; a small one does if nothing was done with it, and otherwise comes before all others. */
  #wait(entry: ScheduledJob, place: 'first' | 'by size' = 'first'): void {
    if (this.#putAside(entry)) return;
    if (!entry.giant) {
      if (place === 'first') this.#small.putBack(entry, entry.size);
      else this.#small.giveBack(entry, entry.size);
      return;
    }
    const index = this.#giants.findLastIndex((other) => other.size <= entry.size);
    this.#giants.splice(index + 1, 0, entry);
  }

  /** Begins with the largest of the small users or, for a share of the slots, with the smallest. */
  #startSmall(): Next {
    const isLight = this.#light.size < Math.floor(this.#slots / SLOTS_PER_SMALL_SHARE);
    const next = this.#start(this.#takeSmall(this.#mostJobs, isLight ? 'smallest' : 'largest'));
    if (isLight) this.#light.add(next.batch.id);
    return next;
  }

  /** Takes as many of them as the replica is at work on for a moment; before anything is known of that, some. */
  #takeSmall(most: number, end: End = 'largest'): ScheduledJob[] {
    const share = Math.ceil(this.#small.length / this.#slots);
    const jobs = Math.min(most, this.#pace.batchOf(share));
    const taken: ScheduledJob[] = [];
    while (taken.length < jobs) {
      const next = this.#small.take(end);
      if (!next) break;
      const entry = scheduledJobOf(next.item, next.size);
      taken.push(entry);
      // One alone of these is known to be much.
      if (entry.job.laden && !this.#pace.isKnown) break;
    }
    return taken;
  }

  #start(entries: ScheduledJob[]): Extract<Next, { kind: 'batch' }> {
    const id = this.#nextBatch;
    this.#nextBatch += 1;
    const start = { batch: id, alone: this.#running.size === 0 && entries.length === 1 };
    for (const entry of entries) {
      entry.start = start;
      this.#running.set(entry.key, entry);
      if (entry.giant) this.#giantsRunning += 1;
    }
    const jobs = entries.map((entry) => entry.job);
    const sizes = entries.map((entry) => entry.size);
    const apart = entries.some(({ linkAttempts }) => linkAttempts > 0);
    return {
      kind: 'batch',
      batch: { id, jobs, sizes, postponing: this.#postponingNow, ...(apart && { apart }) },
    };
  }

  get #postponingNow(): Postponing | undefined {
    // Once the pace is known, no batch is too much for one connection.
    if (this.#pace.isKnown || this.#postponing === undefined) return undefined;
    return this.#messages >= SPREAD_MESSAGES ? 'at-once' : this.#postponing;
  }

  #stop(key: string): ScheduledJob | undefined {
    const entry = this.#running.get(key);
    if (!entry) return undefined;
    this.#running.delete(key);
    if (entry.giant) this.#giantsRunning -= 1;
    return entry;
  }
}
