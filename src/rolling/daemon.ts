import type { Backlog } from '../report/events.ts';
import { type ErrorData, SyncError } from '../report/sync-error.ts';
import { Coalescer } from './coalesce.ts';
import { judge, type Verdict } from './judge.ts';
import { ONCE_LINK_ATTEMPTS, SHORTEST_INTERVAL, SHUTDOWN_POLL } from './limits.ts';
import { formatLogLine, type LogLine } from './log-line.ts';
import type { RollingDependencies, RollingEnd, RollingOptions } from './options.ts';
import { Pending, type PendingUnit } from './pending.ts';
import { ReplicaLink } from './replica-link.ts';
import { isQuarantined, Troubles } from './troubles.ts';
import { labelOfNode, linesOf, nodesOfAction, type RollingAction, type UnitOutcome } from './unit.ts';

/**
 * Rolling replication of one channel (algorithm section 9), one loop that alone touches log, queue and link:
 *
 *     settle what has ended ─► end wanted? wait for what runs, leave
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
  readonly #link: ReplicaLink;
  readonly #settled: { entry: PendingUnit; outcome: UnitOutcome }[] = [];
  /** -1: tried, not done, not to be tried again in this run. */
  readonly #left: RollingAction[] = [];
  readonly #failures: RollingEnd['failures'] = [];
  readonly #linkAttempts = new Map<string, number>();
  #end: RollingEnd['reason'] | undefined;
  #wake: (() => void) | undefined;
  #woken = false;
  #passes = 0;
  #nextTake = Number.NEGATIVE_INFINITY;
  #nextReport: number;
  #sessionStart = 0;
  #lastSuccess: number | undefined;
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
    this.#link = new ReplicaLink(options, deps);
    this.#nextReport = deps.clock.now() + options.reportInterval;
    this.#stopped = new Promise((resolve) => {
      this.#resolveStopped = resolve;
    });
  }

  /** Until the end; once per object. @throws SyncError IO if what is not done cannot be written to log-run */
  async run(): Promise<RollingEnd> {
    const { clock } = this.#deps;
    for (;;) {
      await this.#settleAll();
      if (this.#end === undefined && this.#shutdownRequested()) this.#end = 'shutdown-file';
      if (this.#end !== undefined) {
        if (this.#pending.running === 0 && this.#settled.length === 0) return this.#finish(this.#end);
        await this.#sleepUntil(Number.POSITIVE_INFINITY);
        continue;
      }
      const now = clock.now();
      if (!this.#link.isUp) {
        if (now >= this.#link.nextAttempt) {
          await this.#connect();
          continue;
        }
      } else {
        this.#restartIfDue();
        if (clock.now() >= this.#nextTake && this.#mayTake()) await this.#take();
        this.#start();
        if (this.#settled.length > 0) continue;
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

  /** The replica said BYE, or closed, while no unit was under way: not an error. */
  replicaClosedIdle(): void {
    if (!this.#link.closedIdle()) return;
    if (this.#options.exitWhenReplicaGone) this.#end ??= 'replica-gone';
    this.#wakeUp();
  }

  /** For SIGUSR1 and the log. @throws SyncError IO if the log cannot be read */
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
        failures: trouble.times,
        retryMs: Math.max(0, trouble.until - now),
        error: trouble.error,
      })),
      lastSuccess: this.#lastSuccess,
      link: this.#link.isUp ? 'up' : 'down',
    };
  }

  async #connect(): Promise<void> {
    const attempt = await Promise.race([this.#link.attempt(), this.#stopped]);
    if (!attempt) return;
    if (attempt.kind === 'given-up') this.#end ??= 'not-connected';
    if (attempt.kind !== 'up') return;
    const now = this.#deps.clock.now();
    this.#sessionStart = now;
    for (const { node, error } of attempt.guilty) this.#fail(node, error);
  }

  #restartIfDue(): void {
    const { sessionTimeout, once } = this.#options;
    const now = this.#deps.clock.now();
    if (once || sessionTimeout <= 0 || now - this.#sessionStart <= sessionTimeout) return;
    this.#sessionStart = now;
    // Not waited for: a connection in the middle of a giant comes last.
    void this.#restart();
  }

  async #restart(): Promise<void> {
    const { restart, emit } = this.#deps;
    try {
      await restart();
      emit({ kind: 'notice', level: 'info', text: 'sync_client RESTART succeeded' });
    } catch (caught) {
      const error = SyncError.from(caught);
      emit({ kind: 'notice', level: 'error', text: `sync_client RESTART failed: ${error.message}` });
      if (error.family !== 'link') return;
      this.#linkLost(error.toData(), []);
      this.#wakeUp();
    }
  }

  #mayTake(): boolean {
    return !this.#options.once || this.#passes === 0;
  }

  async #take(): Promise<void> {
    const { log, clock, emit, ownerOf } = this.#deps;
    const { channel, once, repeatInterval } = this.#options;
    this.#nextTake = clock.now() + Math.max(repeatInterval, SHORTEST_INTERVAL);
    const coalescer = new Coalescer(ownerOf);
    let lines = 0;
    let bad = 0;
    try {
      const taken = await log.take(
        () => this.#unfinished(),
        (parsed) => {
          lines++;
          if (parsed.kind === 'line') {
            coalescer.add(parsed.line);
            return;
          }
          bad++;
          emit({ kind: 'rolling:bad-line', file: log.file, line: parsed.number, ...parsed.fault });
        },
      );
      this.#passes++;
      this.#logFault = undefined;
      if (!taken) return;
      const units = coalescer.units();
      for (const unit of units) this.#pending.add(unit, taken.since);
      emit({ kind: 'rolling:pass', channel, file: taken.file, lines, bad, units: units.length });
    } catch (caught) {
      const { message } = SyncError.from(caught, { phase: 'log' });
      // Once per cause: it is looked at again every second.
      if (this.#logFault !== message) {
        emit({
          kind: 'notice',
          level: 'error',
          text: `Processing sync log file ${log.file} failed: ${message}`,
        });
      }
      this.#logFault = message;
      if (once) this.#end ??= 'log-failed';
    }
  }

  #start(): void {
    const { clock } = this.#deps;
    this.#nextDue = Number.POSITIVE_INFINITY;
    while (this.#pending.running < this.#options.parallel) {
      const next = this.#pending.next(clock.now());
      if (!('start' in next)) {
        this.#nextDue = next.until;
        return;
      }
      const entry = next.start;
      const skipped = entry.unit.users.find((user) => this.#deps.isSkipped(user));
      if (skipped === undefined) {
        void this.#runOne(entry);
        continue;
      }
      const results = entry.unit.actions.map(() => ({ kind: 'locked' as const, user: skipped }));
      this.#settled.push({ entry, outcome: { results } });
    }
  }

  async #runOne(entry: PendingUnit): Promise<void> {
    let outcome: UnitOutcome;
    try {
      outcome = await this.#deps.run(entry.unit);
    } catch (caught) {
      const error = SyncError.from(caught).toData();
      outcome = { results: entry.unit.actions.map(() => ({ kind: 'failed', error })) };
    }
    this.#settled.push({ entry, outcome });
    this.#wakeUp();
  }

  async #settleAll(): Promise<void> {
    for (let next = this.#settled.shift(); next; next = this.#settled.shift()) {
      await this.#settle(next.entry, judge(next.entry.unit, next.outcome, this.#deps.ownerOf));
    }
  }

  async #settle(entry: PendingUnit, verdict: Verdict): Promise<void> {
    const { emit, clock } = this.#deps;
    for (const text of verdict.notices) emit({ kind: 'notice', level: 'info', text });
    const relogged = await this.#relog(entry, verdict.locked);
    const parked = relogged ? [] : verdict.locked.map(({ action }) => action);
    const failing = verdict.failing.map(({ action }) => action);

    const unhappy = new Set<string>();
    const note = (actions: readonly RollingAction[], each?: (node: string) => void): void => {
      const nodes = new Set(actions.flatMap((action) => nodesOfAction(action, this.#deps.ownerOf)));
      for (const node of nodes) {
        unhappy.add(node);
        each?.(node);
      }
    };
    note(verdict.promoted);
    note(
      verdict.locked.map(({ action }) => action),
      (node) => this.#lock(node),
    );
    const blamed = new Map<string, ErrorData>();
    for (const { action, error } of verdict.failing) note([action], (node) => blamed.set(node, error));
    const { untouchedError, linkError } = verdict;
    if (untouchedError && !linkError && unhappy.size === 0 && this.#end === undefined) {
      // Not begun, and nothing here says why: without a pause this would spin.
      note(verdict.untouched, (node) => blamed.set(node, untouchedError));
    }
    note(verdict.untouched);
    for (const [node, error] of blamed) this.#fail(node, error);

    // Out of the running ones and into the waiting ones without a pause between: at no time is it in neither.
    this.#pending.settle(entry);
    if (this.#options.once) this.#leaveForLater(verdict, parked, entry.since);
    else this.#queueAgain(verdict, [...failing, ...parked], entry.since);

    for (const node of entry.nodes) {
      if (unhappy.has(node)) continue;
      this.#linkAttempts.delete(node);
      if (!this.#troubles.succeeded(node)) continue;
      emit({ kind: 'rolling:released', channel: this.#options.channel, user: labelOfNode(node) });
    }
    if (unhappy.size === 0) this.#lastSuccess = clock.date();
    if (verdict.linkError) {
      const suspects = verdict.broke.flatMap(({ action, error }) =>
        nodesOfAction(action, this.#deps.ownerOf).map((node) => ({ node, error })),
      );
      this.#linkLost(verdict.linkError, uniqueByNode(suspects));
    }
  }

  /** @returns whether the lines are safe in the log again */
  async #relog(entry: PendingUnit, locked: Verdict['locked']): Promise<boolean> {
    const { log, ownerOf, emit } = this.#deps;
    if (!this.#options.relogLocked || !log.relog || locked.length === 0) return false;
    // Lines cannot say that an UNUSER has to come after something else.
    if (entry.unit.actions.some((action) => action.kind === 'unuser')) return false;
    const nodes = locked.flatMap(({ action }) => nodesOfAction(action, ownerOf));
    // Handed back once; found locked again it is parked, so that the log does not grow with the number of tries.
    const again = nodes.some((node) => this.#troubles.get(node)?.kind === 'locked');
    if (again && !this.#options.once) return false;
    const lines = locked.flatMap(({ action }) => linesOf(action, ownerOf));
    try {
      await log.relog(lines);
    } catch (caught) {
      const { message } = SyncError.from(caught, { phase: 'log' });
      emit({ kind: 'notice', level: 'error', text: `locked users are parked: ${message}` });
      return false;
    }
    for (const line of lines) {
      emit({ kind: 'notice', level: 'info', text: `  Deferred: ${formatLogLine(line).slice(0, -1)}` });
    }
    return true;
  }

  #queueAgain(verdict: Verdict, later: readonly RollingAction[], since: number): void {
    const actions = [...verdict.promoted, ...verdict.untouched, ...later];
    const coalescer = new Coalescer(this.#deps.ownerOf);
    if (actions.some((action) => action.kind === 'unuser')) {
      // What a user left behind goes only after everything is where it went.
      coalescer.addUnit({ users: [], actions });
    } else {
      coalescer.addUnit({ users: [], actions: verdict.promoted });
      for (const action of [...verdict.untouched, ...later]) coalescer.addAction(action);
    }
    for (const unit of coalescer.units()) this.#pending.add(unit, since);
  }

  /** -1: what was promoted or not begun gets its turn, what failed has had it. */
  #leaveForLater(verdict: Verdict, parked: readonly RollingAction[], since: number): void {
    const { ownerOf } = this.#deps;
    const again: RollingAction[] = [];
    // An UNUSER behind something that has had its turn in vain.
    const blocked =
      !verdict.linkError && (verdict.failing.length + parked.length > 0 || verdict.promoted.length === 0);
    for (const action of verdict.untouched) {
      const nodes = nodesOfAction(action, ownerOf);
      const attempts = Math.max(...nodes.map((node) => this.#linkAttempts.get(node) ?? 0));
      (attempts + 1 >= ONCE_LINK_ATTEMPTS || blocked ? this.#left : again).push(action);
    }
    const nodes = new Set(verdict.broke.flatMap(({ action }) => nodesOfAction(action, ownerOf)));
    for (const node of nodes) this.#linkAttempts.set(node, (this.#linkAttempts.get(node) ?? 0) + 1);
    for (const { action, error } of verdict.broke) {
      if (this.#left.includes(action)) this.#reportFailure(action, error);
    }
    this.#left.push(...parked);
    for (const { action, error } of verdict.failing) {
      this.#left.push(action);
      this.#reportFailure(action, error);
    }
    this.#queueAgain({ ...verdict, untouched: again }, [], since);
  }

  #reportFailure(action: RollingAction, error: ErrorData): void {
    for (const node of nodesOfAction(action, this.#deps.ownerOf)) {
      this.#failures.push({ user: labelOfNode(node), error });
    }
  }

  #linkLost(error: ErrorData, suspects: readonly { node: string; error: ErrorData }[]): void {
    if (this.#link.lost(error, suspects) && this.#options.exitWhenReplicaGone) this.#end ??= 'replica-gone';
  }

  #fail(node: string, error: ErrorData): void {
    const { clock, emit } = this.#deps;
    const { channel } = this.#options;
    const now = clock.now();
    const before = this.#troubles.get(node);
    const trouble = this.#troubles.failed(node, now, error);
    const user = labelOfNode(node);
    const delayMs = trouble.until - now;
    if (isQuarantined(trouble) && !(before && isQuarantined(before))) {
      emit({ kind: 'rolling:quarantined', channel, user, failures: trouble.times, delayMs, error });
    } else {
      emit({ kind: 'rolling:retry', channel, user, delayMs, error });
    }
  }

  #lock(node: string): void {
    const { clock, emit } = this.#deps;
    const trouble = this.#troubles.locked(node, clock.now());
    if (trouble.times > 1) return;
    emit({ kind: 'rolling:parked', channel: this.#options.channel, user: labelOfNode(node) });
  }

  #tidy(): void {
    if (this.#pending.running > 0 || this.#pending.waiting > 0 || this.#left.length > 0) return;
    try {
      this.#deps.log.done();
    } catch (caught) {
      const { message } = SyncError.from(caught, { phase: 'log' });
      if (this.#logFault !== message) this.#deps.emit({ kind: 'notice', level: 'error', text: message });
      this.#logFault = message;
    }
  }

  #onceIsOver(): boolean {
    return this.#options.once && this.#passes > 0 && this.#pending.running + this.#pending.waiting === 0;
  }

  *#unfinished(): Generator<LogLine> {
    yield* this.#pending.lines();
    for (const action of this.#left) yield* linesOf(action, this.#deps.ownerOf);
  }

  #finish(reason: RollingEnd['reason']): RollingEnd {
    const lines = [...this.#unfinished()];
    if (lines.length === 0) this.#deps.log.done();
    else this.#deps.log.keep(lines);
    return { reason, unfinished: lines.length, failures: this.#failures };
  }

  #shutdownRequested(): boolean {
    try {
      return this.#deps.shutdownRequested();
    } catch (caught) {
      this.#deps.emit({ kind: 'notice', level: 'error', text: SyncError.from(caught).message });
      return true;
    }
  }

  #reportIfDue(): void {
    const { clock, emit } = this.#deps;
    const { reportInterval } = this.#options;
    if (reportInterval <= 0 || clock.now() < this.#nextReport) return;
    this.#nextReport = clock.now() + reportInterval;
    try {
      emit({ kind: 'rolling:backlog', backlog: this.backlog() });
    } catch (caught) {
      emit({ kind: 'notice', level: 'error', text: SyncError.from(caught, { phase: 'log' }).message });
    }
  }

  #nextEvent(): number {
    const now = this.#deps.clock.now();
    let until = now + SHUTDOWN_POLL;
    if (this.#options.reportInterval > 0) until = Math.min(until, this.#nextReport);
    if (!this.#link.isUp) return Math.min(until, this.#link.nextAttempt);
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

function uniqueByNode(suspects: readonly { node: string; error: ErrorData }[]) {
  return [...new Map(suspects.map((suspect) => [suspect.node, suspect])).values()];
}
