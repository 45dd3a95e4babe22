/**
 * The door of `rolling/daemon`. Here is the loop that alone touches log, queue and link, and what it asks between two
 * rounds: the shutdown file, users to be skipped, whether the replica is there, how many units this host can bear. It reaches
 * the replica and the clock by `RollingDependencies` alone, so that a test runs days in a moment. It ends for the reasons of
 * `RollingEndReason` and no others, and leaves log-run with whatever is not done.
 */

import type { ByteString } from '../../byte-string.ts';
import type { Steered } from '../../coordinator/steering.ts';
import type { Action } from '../../replicate/engine.ts';
import type { Backlog, WhyParked } from '../../report/events.ts';
import { type ErrorData, SyncError } from '../../report/sync-error.ts';
import {
  LONGEST_TAKE_PAUSE_MS,
  SHORTEST_INTERVAL_MS,
  SHUTDOWN_POLL_MS,
  TAKE_PAUSE_FACTOR,
} from '../limits.ts';
import type { LogLine } from '../log/log-line.ts';
import { actionsOfLine } from '../queue/actions-of-line.ts';
import { Coalescer } from '../queue/coalescer.ts';
import { Pending, type PendingUnit } from '../queue/pending.ts';
import { RenamedUsers } from '../queue/renamed-users.ts';
import { labelOfNode, linesOf, type UnitOutcome, userNode } from '../queue/rolling-unit.ts';
import { Troubles } from '../queue/troubles.ts';
import { whyImpossible } from '../queue/why-impossible.ts';
import { ReplicaLink } from './replica-link.ts';
import type { RollingDependencies, RollingEnd, RollingOptions } from './rolling-options.ts';
import { Throttle } from './throttle.ts';
import { type LinkLoss, UnitResults } from './unit-results.ts';

/**
 * Replicates one channel as its log grows (algorithm 9): one loop, which alone touches log, queue and link:
 *
 *     take the results of what has ended ─► end wanted? wait for what runs, leave
 *       ─► link down? try it when its time has come
 *       ─► -t over? new connections
 *       ─► interval over? take the log, coalesce, queue
 *       ─► start what may start, up to `parallel`
 *       ─► nothing left? remove log-run
 *       ─► sleep until one of these is due, or a unit ends, or `stop`
 *
 * Nothing waits for a slow, locked or failing user but that user: the next log is taken while they are still pending,
 * and log-run goes on saying so. Whenever the process dies, log-run and log name everything that is not done.
 */
export class RollingDaemon {
  readonly #options: RollingOptions;
  readonly #deps: RollingDependencies;
  readonly #troubles: Troubles;
  readonly #pending: Pending;
  readonly #renamed: RenamedUsers;
  readonly #link: ReplicaLink;
  readonly #ended: { entry: PendingUnit; outcome: UnitOutcome }[] = [];
  readonly #results: UnitResults;
  readonly #throttle: Throttle;
  /** Asked for while it runs. */
  readonly #skip = new Set<ByteString>();
  readonly #whySkipped = (user: ByteString): WhyParked | undefined => {
    if (this.#skip.has(user)) return 'skipped';
    return this.#deps.isSkipped(user) ? 'skip-file' : undefined;
  };
  #end: RollingEnd['reason'] | undefined;
  /** Why there is no use in going on. */
  #error: ErrorData | undefined;
  #wake: (() => void) | undefined;
  #woken = false;
  #passes = 0;
  #nextTake = Number.NEGATIVE_INFINITY;
  #nextReport: number;
  #sessionStart = 0;
  #logFault: string | undefined;
  /** When the next waiting unit may start. */
  #nextDue = Number.POSITIVE_INFINITY;
  readonly #stopped: Promise<void>;
  #resolveStopped: () => void = () => {};

  constructor(options: RollingOptions, deps: RollingDependencies) {
    this.#options = options;
    this.#deps = deps;
    this.#troubles = new Troubles(deps.random);
    this.#pending = new Pending(deps.ownerOf, this.#troubles);
    this.#renamed = new RenamedUsers(deps.inboxOf);
    this.#results = new UnitResults(options, deps, this.#pending, this.#troubles, this.#whySkipped);
    this.#throttle = new Throttle(options.parallel);
    this.#link = new ReplicaLink(options, deps);
    this.#nextReport = deps.clock.now() + options.reportIntervalMs;
    this.#stopped = new Promise((resolve) => {
      this.#resolveStopped = resolve;
    });
  }

  /** Until the end; once per object. @throws SyncError IO if what is not done cannot be written to log-run */
  async run(): Promise<RollingEnd> {
    const { clock } = this.#deps;
    for (;;) {
      await this.#takeResults();
      if (this.#end === undefined && this.#shutdownRequested()) this.#end = 'shutdown-file';
      if (this.#end !== undefined) {
        if (this.#pending.running === 0 && this.#ended.length === 0) return this.#finish(this.#end);
        await this.#sleepUntil(Number.POSITIVE_INFINITY);
        continue;
      }
      const now = clock.now();
      if (!this.#link.isUp) {
        // Nobody would be answered while nothing goes out.
        if (now >= this.#link.nextAttempt && !this.#deps.isPaused()) {
          await this.#connect();
          continue;
        }
      } else {
        this.#restartIfDue();
        if (clock.now() >= this.#nextTake && this.#mayTake()) await this.#take();
        // Reading takes its time, and the end may have been asked for meanwhile.
        if (this.#end !== undefined) continue;
        this.#start();
        if (this.#ended.length > 0) continue;
      }
      this.#tidy();
      if (this.#onceIsOver()) {
        this.#end ??= 'once';
        continue;
      }
      this.#reportIfDue();
      await this.#sleepUntil(this.#nextEvent());
    }
  }

  /** TERM, INT, QUIT. Starts nothing more; ends when what runs has ended. Cutting that short is the caller's business. */
  stop(): void {
    this.#end ??= 'signal';
    this.#resolveStopped();
    this.#wakeUp();
  }

  /** The replica is there, as far as is known, and no end has been asked for. */
  get mayBegin(): boolean {
    return this.#link.isUp && this.#end === undefined;
  }

  /** The replica said BYE, or closed, while no unit was under way: not an error. */
  replicaClosedIdle(): void {
    if (!this.#link.closedIdle()) return;
    if (this.#options.exitWhenReplicaGone) this.#end ??= 'replica-gone';
    this.#wakeUp();
  }

  /** Something may begin now that might not before, or the other way round. */
  braked(): void {
    this.#wakeUp();
  }

  /** Units at work at the same time from now on. */
  setParallel(units: number): void {
    this.#throttle.setMost(units);
    this.#wakeUp();
  }

  /** This user next; everything of the user if the log asks for nothing. */
  hasten(user: ByteString): Steered {
    if (this.#pending.isBusy(user)) return 'running';
    const node = userNode(user);
    this.#troubles.tryNow(node, this.#deps.clock.now());
    if (!this.#pending.hasten(node)) {
      const actions: Action[] = [{ kind: 'user', userid: user }];
      this.#pending.add({ users: [user], actions }, this.#deps.clock.date());
      this.#pending.hasten(node);
    }
    this.#wakeUp();
    return 'done';
  }

  /** One who failed or was locked, before the time. */
  retry(user: ByteString): Steered {
    if (this.#pending.isBusy(user)) return 'running';
    const node = userNode(user);
    if (!this.#troubles.tryNow(node, this.#deps.clock.now())) return 'as-it-was';
    this.#pending.hasten(node);
    this.#wakeUp();
    return 'done';
  }

  /** Treated as one whose lock is held; who is at work goes on. */
  skip(user: ByteString): Steered {
    if (this.#skip.has(user)) return 'as-it-was';
    this.#skip.add(user);
    return this.#pending.isBusy(user) ? 'running' : 'done';
  }

  unskip(user: ByteString): Steered {
    if (!this.#skip.delete(user)) return 'as-it-was';
    this.#troubles.tryNow(userNode(user), this.#deps.clock.now());
    this.#pending.reconsider(userNode(user));
    this.#wakeUp();
    return 'done';
  }

  get skipped(): readonly ByteString[] {
    return [...this.#skip];
  }

  firstWaiting(most: number): ByteString[] {
    return this.#pending.firstWaiting(most).map(labelOfNode);
  }

  /** For SIGUSR1 and the log. Never throws: a log that cannot be read is told of instead. */
  tellBacklog(): void {
    const { emit } = this.#deps;
    try {
      emit({ kind: 'rolling:backlog', backlog: this.backlog() });
    } catch (caught) {
      emit({ kind: 'rolling:file-failed', error: SyncError.from(caught, { phase: 'log' }).toData() });
    }
  }

  /** @throws SyncError IO if the log cannot be read */
  backlog(): Backlog {
    const { clock, log } = this.#deps;
    const now = clock.now();
    const inLog = log.waiting();
    const since = [this.#pending.oldest(), inLog.since].filter((time) => time !== undefined);
    return {
      channel: this.#options.channel,
      lines: this.#pending.lineCount() + inLog.lines,
      oldestMs: since.length > 0 ? Math.max(0, clock.date() - Math.min(...since)) : undefined,
      inFlight: this.#pending.usersInFlight(),
      waiting: this.#pending.waiting,
      locked: this.#troubles.lockedCount(),
      quarantined: this.#troubles.quarantined().map(([node, trouble]) => ({
        user: labelOfNode(node),
        failures: trouble.failures,
        retryMs: Math.max(0, trouble.until - now),
        error: trouble.error,
      })),
      lastSuccess: this.#results.lastSuccess,
      link: this.#link.isUp ? 'up' : 'down',
    };
  }

  async #connect(): Promise<void> {
    const attempt = await Promise.race([this.#link.attempt(), this.#stopped]);
    if (!attempt) return;
    if (attempt.kind === 'given-up') {
      this.#end ??= 'not-connected';
      this.#error = attempt.error;
    }
    if (attempt.kind !== 'up') return;
    const now = this.#deps.clock.now();
    this.#sessionStart = now;
    for (const { node, error } of attempt.suspects) this.#results.suspect(node, error);
  }

  #restartIfDue(): void {
    const { sessionTimeoutMs, once } = this.#options;
    const now = this.#deps.clock.now();
    if (
      once ||
      this.#deps.isPaused() ||
      sessionTimeoutMs <= 0 ||
      now - this.#sessionStart <= sessionTimeoutMs
    )
      return;
    this.#sessionStart = now;
    // Not waited for: a connection in the middle of a giant comes last.
    void this.#restart();
  }

  async #restart(): Promise<void> {
    const { restart, emit } = this.#deps;
    try {
      await restart();
      emit({ kind: 'rolling:restarted' });
    } catch (caught) {
      const error = SyncError.from(caught);
      emit({ kind: 'rolling:restart-failed', error: error.toData() });
      if (error.family !== 'link') return;
      this.#linkLost({ error: error.toData(), suspects: [] });
      this.#wakeUp();
    }
  }

  #mayTake(): boolean {
    return !this.#options.once || this.#passes === 0;
  }

  async #take(): Promise<void> {
    const { log, clock, emit, ownerOf } = this.#deps;
    const { channel, once, repeatIntervalMs } = this.#options;
    const started = clock.now();
    const interval = Math.max(repeatIntervalMs, SHORTEST_INTERVAL_MS);
    const coalescer = new Coalescer(ownerOf);
    let lines = 0;
    let bad = 0;
    let units = 0;
    try {
      const taken = await log.take(
        () => this.#unfinished(),
        (parsed) => {
          lines++;
          const fault = parsed.kind === 'line' ? whyImpossible(parsed.line, ownerOf) : parsed.fault;
          if (fault) {
            bad++;
            emit({ kind: 'rolling:bad-line', file: log.file, line: parsed.number, ...fault });
          } else if (parsed.kind === 'line') {
            const actions = actionsOfLine(parsed.line);
            coalescer.addTied(actions);
            for (const action of actions) this.#renamed.add(action);
          }
        },
        ({ since }) => {
          for (const actions of this.#renamed.take()) coalescer.addTied(actions);
          const all = coalescer.units();
          for (const unit of all) this.#pending.add(unit, since);
          units = all.length;
        },
      );
      this.#passes++;
      this.#logFault = undefined;
      if (taken) emit({ kind: 'rolling:pass', channel, file: taken.file, lines, bad, units });
    } catch (caught) {
      const error = SyncError.from(caught, { phase: 'log' }).toData();
      // Once per cause: it is looked at again every second.
      if (this.#logFault !== error.message) emit({ kind: 'rolling:take-failed', file: log.file, error });
      this.#logFault = error.message;
      if (once) this.#end ??= 'log-failed';
    } finally {
      // With a long queue log-run is long, and joining a log to it takes its time.
      const spent = clock.now() - started;
      this.#nextTake =
        started + Math.max(interval, Math.min(spent * TAKE_PAUSE_FACTOR, LONGEST_TAKE_PAUSE_MS));
    }
  }

  #start(): void {
    const { clock } = this.#deps;
    this.#nextDue = Number.POSITIVE_INFINITY;
    if (this.#deps.isPaused()) return;
    if (clock.now() < this.#throttle.pausedUntil) {
      this.#nextDue = this.#throttle.pausedUntil;
      return;
    }
    while (this.#pending.running < this.#throttle.parallel(clock.now())) {
      const next = this.#pending.next(clock.now());
      if (!('start' in next)) {
        this.#nextDue = next.until;
        return;
      }
      const { start: entry, apart } = next;
      const skipped = entry.unit.users.find((user) => this.#whySkipped(user) !== undefined);
      if (skipped === undefined) {
        void this.#runOne(entry, apart);
        continue;
      }
      const results = entry.unit.actions.map(() => ({ kind: 'locked' as const, user: skipped }));
      this.#ended.push({ entry, outcome: { results } });
    }
  }

  async #runOne(entry: PendingUnit, apart: boolean): Promise<void> {
    let outcome: UnitOutcome;
    try {
      const setAside = this.#results.breaks.setAside(entry.nodes);
      outcome = await this.#deps.run(setAside.length > 0 ? { ...entry.unit, setAside } : entry.unit, apart);
    } catch (caught) {
      const error = SyncError.from(caught).toData();
      outcome = { results: entry.unit.actions.map(() => ({ kind: 'failed', error })) };
    }
    this.#ended.push({ entry, outcome });
    this.#wakeUp();
  }

  async #takeResults(): Promise<void> {
    for (let next = this.#ended.shift(); next; next = this.#ended.shift()) {
      const ending = this.#end !== undefined;
      const { loss, outOfFiles } = await this.#results.take(next.entry, next.outcome, ending);
      if (outOfFiles) this.#ranShort(outOfFiles);
      if (next.outcome.results.some(({ kind }) => kind === 'done')) this.#link.worked();
      if (loss) this.#linkLost(loss);
    }
  }

  #ranShort(error: ErrorData): void {
    const retryInSeconds = this.#throttle.ranShort(this.#deps.clock.now());
    const { openFiles: limit } = this.#options;
    if (retryInSeconds !== undefined)
      this.#deps.emit({ kind: 'host:out-of-files', limit, retryInSeconds, error });
  }

  #linkLost({ error, suspects }: LinkLoss): void {
    if (this.#link.lost(error, suspects) && this.#options.exitWhenReplicaGone) this.#end ??= 'replica-gone';
  }

  #tidy(): void {
    if (this.#pending.running > 0 || this.#pending.waiting > 0 || this.#results.left.length > 0) return;
    try {
      this.#deps.log.done();
    } catch (caught) {
      const error = SyncError.from(caught, { phase: 'log' }).toData();
      if (this.#logFault !== error.message) this.#deps.emit({ kind: 'rolling:file-failed', error });
      this.#logFault = error.message;
    }
  }

  #onceIsOver(): boolean {
    return this.#options.once && this.#passes > 0 && this.#pending.running + this.#pending.waiting === 0;
  }

  *#unfinished(): Generator<LogLine> {
    yield* this.#pending.lines();
    for (const action of this.#results.left) yield* linesOf(action, this.#deps.ownerOf);
  }

  #finish(reason: RollingEnd['reason']): RollingEnd {
    const lines = [...this.#unfinished()];
    if (lines.length === 0) this.#deps.log.done();
    else this.#deps.log.keep(lines);
    return {
      reason,
      unfinished: lines.length,
      failures: this.#results.failures,
      ...(this.#error && { error: this.#error }),
    };
  }

  #shutdownRequested(): boolean {
    try {
      return this.#deps.shutdownRequested();
    } catch (caught) {
      this.#deps.emit({ kind: 'rolling:file-failed', error: SyncError.from(caught).toData() });
      return true;
    }
  }

  #reportIfDue(): void {
    const { clock } = this.#deps;
    const { reportIntervalMs } = this.#options;
    if (reportIntervalMs <= 0 || clock.now() < this.#nextReport) return;
    this.#nextReport = clock.now() + reportIntervalMs;
    this.tellBacklog();
  }

  #nextEvent(): number {
    const now = this.#deps.clock.now();
    let until = now + SHUTDOWN_POLL_MS;
    if (this.#options.reportIntervalMs > 0) until = Math.min(until, this.#nextReport);
    if (!this.#link.isUp) return this.#deps.isPaused() ? until : Math.min(until, this.#link.nextAttempt);
    if (this.#mayTake()) until = Math.min(until, this.#nextTake);
    return Math.min(until, this.#nextDue);
  }

  #wakeUp(): void {
    this.#woken = true;
    this.#wake?.();
  }

  async #sleepUntil(time: number): Promise<void> {
    const { clock } = this.#deps;
    if (!this.#woken) {
      await new Promise<void>((resolve) => {
        const delay = Math.max(0, time - clock.now());
        const cancel = Number.isFinite(delay) ? clock.after(delay, resolve) : () => {};
        this.#wake = () => {
          cancel();
          resolve();
        };
      });
    }
    this.#wake = undefined;
    this.#woken = false;
  }
}
