import type { ByteString } from '../../byte-string.ts';
import type { Action } from '../../replicate/engine.ts';
import type { WhyParked } from '../../report/events.ts';
import type { ErrorData } from '../../report/sync-error.ts';
import { SyncError } from '../../report/sync-error.ts';
import { ONCE_LINK_ATTEMPTS } from '../limits.ts';
import { formatLogLine } from '../log/log-line.ts';
import { Coalescer } from '../queue/coalescer.ts';
import type { Pending, PendingUnit } from '../queue/pending.ts';
import { type Remains, remainsOf } from '../queue/remains-of.ts';
import {
  labelOfNode,
  linesOf,
  nameOfAction,
  nodeOf,
  nodesOfAction,
  type UnitOutcome,
} from '../queue/rolling-unit.ts';
import { isQuarantined, type Troubles } from '../queue/troubles.ts';
import { Breaks } from './breaks.ts';
import type { Suspect } from './replica-link.ts';
import type { RollingDependencies, RollingEnd, RollingOptions } from './rolling-options.ts';

export interface LinkLoss {
  error: ErrorData;
  suspects: Suspect[];
}

/** The part of a result that concerns the link or this host rather than its unit. */
interface Surroundings {
  loss?: LinkLoss | undefined;
  /** This host had no more descriptors. */
  outOfFiles: ErrorData | undefined;
}

/**
 * Takes the result of each unit that has run. What is left of it is queued again, at once or after a pause, or handed back to
 * the log, or, with -1, put aside; at no moment is it nowhere.
 */
export class UnitResults {
  /** -1: tried, not done, not to be tried again in this run. */
  readonly left: Action[] = [];
  readonly failures: RollingEnd['failures'] = [];
  readonly breaks = new Breaks();
  /** Milliseconds since the epoch. */
  lastSuccess: number | undefined;
  readonly #options: RollingOptions;
  readonly #deps: RollingDependencies;
  readonly #pending: Pending;
  readonly #troubles: Troubles;
  readonly #whySkipped: (user: ByteString) => WhyParked | undefined;
  /** Reasons that have been told, of those who wait. */
  readonly #parked = new Map<string, WhyParked>();
  readonly #reported = new Set<string>();
  readonly #linkAttempts = new Map<string, number>();

  /** @param whySkipped who has asked to leave the user alone, if anybody has */
  constructor(
    options: RollingOptions,
    deps: RollingDependencies,
    pending: Pending,
    troubles: Troubles,
    whySkipped: (user: ByteString) => WhyParked | undefined,
  ) {
    this.#options = options;
    this.#deps = deps;
    this.#pending = pending;
    this.#troubles = troubles;
    this.#whySkipped = whySkipped;
  }

  /**
   * @param ending nothing will be started any more
   * @returns what to make of the link and of this host, if anything was said about them
   */
  async take(entry: PendingUnit, outcome: UnitOutcome, ending: boolean): Promise<Surroundings> {
    const { emit, clock, ownerOf } = this.#deps;
    const remains = remainsOf(entry.unit, outcome, ownerOf);
    for (const { from, to } of remains.promotions) {
      emit({ kind: 'rolling:promoted', from: nameOfAction(from), to: nameOfAction(to) });
    }
    const relogged = await this.#relog(entry, remains.locked);
    const parked = relogged ? [] : remains.locked.map(({ action }) => action);
    const failing = remains.failing.map(({ action }) => action);

    const unhappy = new Set<string>();
    const note = (actions: readonly Action[], each?: (node: string) => void): void => {
      const nodes = new Set(actions.flatMap((action) => nodesOfAction(action, ownerOf)));
      for (const node of nodes) {
        unhappy.add(node);
        each?.(node);
      }
    };
    note(remains.promoted);
    note(
      remains.locked.map(({ action }) => action),
      (node) => this.#lock(node),
    );
    const blamed = new Map<string, ErrorData>();
    for (const { action, error } of remains.failing) note([action], (node) => blamed.set(node, error));
    this.#tellDamaged(remains.damaged);
    const { untouchedError, linkError, outOfFiles } = remains;
    if (untouchedError && !linkError && !outOfFiles && unhappy.size === 0 && !ending) {
      // Not begun, and nothing here says why: without a pause this would spin.
      note(remains.untouched, (node) => blamed.set(node, untouchedError));
    }
    note(remains.untouched);
    for (const [node, error] of blamed) {
      this.fail(node, error);
      if (error.family !== 'link') this.breaks.survived(node);
    }

    // Out of the running ones and into the waiting ones without a pause between: at no time is it in neither.
    this.#pending.finish(entry);
    if (this.#options.once) this.#leaveForLater(remains, parked, entry.since);
    else this.#queueAgain(remains, [...failing, ...parked], entry.since);

    const happy = [...entry.nodes].filter((node) => !unhappy.has(node));
    for (const node of happy) this.#succeed(node);
    if (unhappy.size === 0) this.lastSuccess = clock.date();
    if (happy.length > 0) {
      // Whoever was tied to one who is not done is done all the same, and is to be told of as held up no longer.
      const lagMs = Math.max(0, clock.date() - entry.since);
      const users = happy.map(labelOfNode);
      emit({ kind: 'rolling:replicated', channel: this.#options.channel, users, lagMs });
    }
    if (!linkError) return { outOfFiles };
    const suspects = new Map<string, Suspect>();
    for (const { action, error } of remains.broke) {
      for (const node of nodesOfAction(action, ownerOf)) suspects.set(node, { node, error });
    }
    return { loss: { error: linkError, suspects: [...suspects.values()] }, outOfFiles };
  }

  #succeed(node: string): void {
    const { channel } = this.#options;
    this.#linkAttempts.delete(node);
    this.#parked.delete(node);
    this.breaks.succeeded(node);
    const wasQuarantined = this.#troubles.succeeded(node);
    if (wasQuarantined) this.#deps.emit({ kind: 'rolling:released', channel, user: labelOfNode(node) });
  }

  /** @returns whether the lines are safe in the log again */
  async #relog(entry: PendingUnit, locked: Remains['locked']): Promise<boolean> {
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
      emit({ kind: 'rolling:not-deferred', error: SyncError.from(caught, { phase: 'log' }).toData() });
      return false;
    }
    for (const line of lines) emit({ kind: 'rolling:deferred', line: formatLogLine(line).slice(0, -1) });
    return true;
  }

  #queueAgain(remains: Remains, later: readonly Action[], since: number): void {
    const actions = [...remains.promoted, ...remains.untouched, ...later];
    const coalescer = new Coalescer(this.#deps.ownerOf);
    if (actions.some((action) => action.kind === 'unuser')) {
      // What a user left behind goes only after everything is where it went.
      coalescer.addTied(actions);
    } else {
      coalescer.addTied(remains.promoted);
      for (const action of [...remains.untouched, ...later]) coalescer.add(action);
    }
    for (const unit of coalescer.units()) this.#pending.add(unit, since);
  }

  /** -1: what was promoted or not begun gets its turn, what failed has had it. */
  #leaveForLater(remains: Remains, parked: readonly Action[], since: number): void {
    const { ownerOf } = this.#deps;
    const again: Action[] = [];
    const given = new Set<Action>();
    // An UNUSER behind something that has had its turn in vain.
    const blocked =
      !remains.linkError &&
      !remains.outOfFiles &&
      (remains.failing.length + parked.length > 0 || remains.promoted.length === 0);
    for (const action of remains.untouched) {
      const nodes = nodesOfAction(action, ownerOf);
      const attempts = Math.max(...nodes.map((node) => this.#linkAttempts.get(node) ?? 0));
      if (attempts + 1 >= ONCE_LINK_ATTEMPTS || blocked) given.add(action);
      else again.push(action);
    }
    for (const action of given) this.left.push(action);
    const nodes = new Set(remains.broke.flatMap(({ action }) => nodesOfAction(action, ownerOf)));
    for (const node of nodes) this.#linkAttempts.set(node, (this.#linkAttempts.get(node) ?? 0) + 1);
    for (const { action, error } of remains.broke) {
      if (given.has(action)) this.#reportFailure(action, error);
    }
    const { untouchedError } = remains;
    if (untouchedError && !remains.linkError && remains.failing.length + parked.length === 0) {
      for (const action of given) this.#reportFailure(action, untouchedError);
    }
    for (const action of parked) this.left.push(action);
    for (const { action, error } of [...remains.failing, ...remains.damaged]) {
      this.left.push(action);
      this.#reportFailure(action, error);
    }
    this.#queueAgain({ ...remains, untouched: again }, [], since);
  }

  /** A user whose messages are damaged here has the rest on the replica, and fails no more than a file that is gone. */
  #tellDamaged(damaged: Remains['damaged']): void {
    for (const { action, error } of damaged) {
      for (const node of nodesOfAction(action, this.#deps.ownerOf)) {
        const { channel } = this.#options;
        this.#deps.emit({ kind: 'rolling:damaged', channel, user: labelOfNode(node), error });
      }
    }
  }

  #reportFailure(action: Action, error: ErrorData): void {
    for (const node of nodesOfAction(action, this.#deps.ownerOf)) {
      const user = labelOfNode(node);
      // Thousands of lines of one user fail for one reason.
      const key = `${user}\0${error.code}\0${error.message}`;
      if (this.#reported.has(key)) continue;
      this.#reported.add(key);
      this.failures.push({ user, error });
    }
  }

  /** Something went wrong for a user or a shared mailbox: it waits, the longer the oftener. */
  fail(node: string, error: ErrorData): void {
    const { clock, emit } = this.#deps;
    const { channel } = this.#options;
    const now = clock.now();
    const before = this.#troubles.get(node);
    this.#parked.delete(node);
    const trouble = this.#troubles.failed(node, now, error);
    const user = labelOfNode(node);
    const { failures } = trouble;
    const delayMs = trouble.until - now;
    const isNews = isQuarantined(trouble) && !(before && isQuarantined(before));
    emit({ kind: isNews ? 'rolling:quarantined' : 'rolling:retry', channel, user, failures, delayMs, error });
  }

  /** Its connection broke under it although the replica is well. Most of those in flight were innocent. */
  suspect(node: string, error: ErrorData): void {
    const before = this.#troubles.get(node);
    const mailbox = error.outstanding?.mailbox;
    const isOwn = mailbox !== undefined && nodeOf(mailbox, this.#deps.ownerOf) === node;
    if (isOwn && this.breaks.broke(node, mailbox, error)) {
      this.#linkAttempts.delete(node);
      this.#troubles.tryAtOnce(node, this.#deps.clock.now(), error);
      this.#pending.reconsider(node);
      return;
    }
    if (before && (before.kind !== 'locked' || before.failures > 0)) this.fail(node, error);
    else this.#troubles.suspected(node, this.#deps.clock.now(), error);
    this.#pending.reconsider(node);
  }

  #lock(node: string): void {
    const { clock, emit } = this.#deps;
    this.#troubles.locked(node, clock.now());
    const user = labelOfNode(node);
    const why = this.#whySkipped(user) ?? 'locked';
    if (this.#parked.get(node) === why) return;
    this.#parked.set(node, why);
    emit({ kind: 'rolling:parked', channel: this.#options.channel, user, why });
  }
}
