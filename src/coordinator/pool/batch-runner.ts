import { setMaxListeners } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import type { ByteString } from '../../byte-string.ts';
import { nowMs } from '../../now-ms.ts';
import type {
  Action,
  ActionResult,
  EngineContext,
  EngineOptions,
  JobResult,
  MessagesThere,
  SetAside,
} from '../../replicate/engine.ts';
import type { EventListener, Evidence, WorkResult } from '../../report/events.ts';
import { type ErrorData, SyncError } from '../../report/sync-error.ts';
import type { MasterStore } from '../../store/master-store.ts';
import type { Subject, VerifyParts } from '../../verify/judge.ts';
import { KeptSides, type Sides } from '../../verify/kept-sides.ts';
import { isEvidence } from './is-evidence.ts';
import { jobKey, jobUser } from './job-key.ts';
import { KeptLink, type KeptLinkParts, type RunnerLink } from './kept-link.ts';
import { Postponed } from './laden-intake.ts';
import type { MasterLink } from './master-link.ts';
import type { Batch, Counts, Job, Outcome, PoolSetup, Postponing, UnitAnswer, UnitTask } from './messages.ts';
import { partsOf } from './parts-of.ts';
import type { ScriptLink } from './script-link.ts';

/** The parts that a batch runner works with; the thread entry gives the real ones. */
export interface BatchRunnerParts extends KeptLinkParts {
  /** Shared by the connections of a thread, and closed by whoever opened it. */
  store: MasterStore;
  /** undefined: the master must not be written to. */
  master: MasterLink | undefined;
  scripts: ScriptLink;
  /** Shared by the connections of a thread. */
  there?: MessagesThere;
  engine: {
    runUser(context: EngineContext, userid: string): Promise<'synced' | 'absent'>;
    runMeta(context: EngineContext, userid: string): Promise<'synced' | 'absent'>;
    runMailboxes(
      context: EngineContext,
      owners: readonly string[],
      names: readonly string[],
    ): Promise<'synced' | 'absent'>;
    runActions(
      context: EngineContext,
      owners: readonly string[],
      actions: readonly Action[],
    ): Promise<ActionResult[]>;
  };
  verify(parts: VerifyParts, subject: Subject, replicate: () => Promise<JobResult>): Promise<JobResult>;
  /** Who is named in the sync logs. */
  pending: VerifyParts['pending'];
}

/**
 * One connection's side of the thread contract: a session, opened when first needed and kept from batch to
 * batch, and up to `lookAhead` jobs at once on that session, so that its pipeline never runs empty.
 *
 * A broken link ends the batch: jobs in flight fail with it, the others are handed back untouched, and the next batch
 * connects anew. Nothing here rejects: whatever happens becomes one outcome per job.
 */
export class BatchRunner {
  readonly #parts: BatchRunnerParts;
  /** Lent to the jobs of other connections too. */
  readonly link: KeptLink;
  readonly #stopping = new AbortController();
  #partMs = 0;

  constructor(parts: BatchRunnerParts) {
    this.#parts = parts;
    this.link = new KeptLink(parts);
    // All that is under way may pause at once, which Node would take for a leak.
    setMaxListeners(0, this.#stopping.signal);
  }

  /** @param borrow see EngineContext */
  async run(batch: Batch, borrow?: EngineContext['borrow']): Promise<Outcome[]> {
    const { jobs } = batch;
    if (this.#cancelled) return untouched(jobs, cancelledError().toData());
    let link: RunnerLink;
    try {
      link = await this.link.get();
    } catch (caught) {
      return untouched(jobs, notConnected(caught));
    }
    using _use = this.link.use(link);
    return await this.#runJobs(batch, link, borrow);
  }

  /** One unit of a sync log. Several may be under way at once: they share the session. */
  async runUnit({ users, actions, setAside }: UnitTask['unit']): Promise<UnitAnswer> {
    const untouchedBy = (error: ErrorData): UnitAnswer => ({
      results: actions.map(() => ({ kind: 'untouched', error })),
      linkError: error.family === 'link' || error.phase === 'connect' ? error : undefined,
    });
    if (this.#cancelled) return untouchedBy(cancelledError().toData());
    let link: RunnerLink;
    try {
      link = await this.link.get();
    } catch (caught) {
      return untouchedBy(notConnected(caught));
    }
    using _use = this.link.use(link);
    if (actions.length === 0) return { results: [], linkError: await this.#ping(link) };
    const context = this.#context(link, { emit: this.#parts.emit, setAside });
    const work = { key: `unit:${users.join(' ')}`, connection: link.connection, users };
    this.#parts.emit({ kind: 'work:begun', ...work });
    let results: ActionResult[] | undefined;
    try {
      results = await this.#parts.engine.runActions(context, users, actions);
    } finally {
      const result = results ? resultOf(results) : 'failed';
      link.traffic.tell();
      this.#parts.emit({ kind: 'work:ended', ...work, result, size: 0 });
    }
    const partMs = servedSince(link) / partsOf({ actions });
    this.#partMs += (partMs - this.#partMs) * WEIGHT_OF_LATEST;
    const broken = results.find((result) => result.kind === 'failed' && result.error.family === 'link');
    if (broken?.kind === 'failed') this.link.lose(link, broken.error);
    return { results, linkError: broken?.kind === 'failed' ? broken.error : undefined };
  }

  async #ping(link: RunnerLink): Promise<ErrorData | undefined> {
    try {
      await link.session.noop();
      return undefined;
    } catch (caught) {
      const error = SyncError.from(caught).toData();
      this.link.lose(link, error);
      return error;
    }
  }

  get #cancelled(): boolean {
    return this.#stopping.signal.aborted;
  }

  /** How long the replica has been at work on a part of a unit lately (`partsOf`). */
  get partMs(): number {
    return this.#partMs;
  }

  /** No job is begun any more; those in flight go on. */
  cancel(): void {
    this.#stopping.abort();
    this.link.cancel();
  }

  /** Cuts all links: jobs in flight fail at once. */
  cut(): void {
    this.#stopping.abort();
    this.link.cut(cancelledError());
    this.#parts.scripts.cut(cancelledError());
    this.#parts.master?.cut(cancelledError());
  }

  /** Takes leave of the replica. Never rejects. */
  async exit(): Promise<void> {
    this.#stopping.abort();
    await Promise.all([this.link.exit(), this.#parts.scripts.close(), this.#parts.master?.close()]);
  }

  async #runJobs(
    { jobs, sizes = [], postponing }: Batch,
    link: RunnerLink,
    borrow: EngineContext['borrow'],
  ): Promise<Outcome[]> {
    const outcomes: Outcome[] = [];
    let next = 0;
    let lost: ErrorData | undefined;

    const takeJobs = async () => {
      while (lost === undefined && !this.#cancelled) {
        const job = jobs[next];
        if (!job) return;
        const size = sizes[next] ?? 0;
        next += 1;
        const began = nowMs();
        const work = { key: jobKey(job), connection: link.connection, ...usersOf(job) };
        this.#parts.emit({ kind: 'work:begun', ...work });
        const evidence: Evidence[] = [];
        const done = await this.#runJob(job, link, postponing, borrow, evidence);
        const elapsedMs = nowMs() - began;
        const outcome = { ...done, elapsedMs, ...(evidence.length > 0 && { evidence }) };
        outcomes.push(outcome);
        link.traffic.tellNowAndThen(nowMs());
        // The outcomes are told when the whole batch is done: too late for whoever watches.
        this.#parts.emit({ kind: 'work:ended', ...work, result: done.kind, size });
        // A borrowed connection that broke is its lender's.
        if (outcome.kind === 'failed' && outcome.error.family === 'link' && link.session.broken) {
          this.link.lose(link, outcome.error);
          lost ??= outcome.error;
        }
      }
    };
    const atOnce = Math.min(Math.max(1, this.#parts.setup.options.lookAhead), jobs.length);
    await Promise.all(Array.from({ length: atOnce }, takeJobs));
    return [...outcomes, ...untouched(jobs.slice(next), lost ?? cancelledError().toData())];
  }

  /** @param evidence takes what a comparison finds */
  async #runJob(
    job: Job,
    link: RunnerLink,
    postponing: Postponing | undefined,
    borrow: EngineContext['borrow'],
    evidence: Evidence[],
  ): Promise<Exclude<Outcome, { kind: 'untouched' }>> {
    const counts = noCounts();
    const hear: EventListener = (event) => {
      if (isEvidence(event)) {
        evidence.push(event);
        return;
      }
      if (event.kind === 'user:progress') {
        link.traffic.tellNowAndThen(nowMs());
        counts.messages += event.messages;
        counts.octets += event.octets;
      } else if (event.kind === 'command:mailbox') {
        counts.mailboxes += 1;
      } else if (event.kind === 'user:start' && job.laden) {
        // It has been told.
        return;
      }
      this.#parts.emit(event);
    };
    using laden = link.intake.enter(job.laden ? undefined : postponing);
    const { setAside } = job;
    const context = this.#context(link, { emit: hear, borrow, setAside, beforeSending: laden.pass });
    try {
      const kind = await this.#carryOut(job, context);
      return kind === 'absent' ? { kind, job } : { kind, job, counts, servedMs: servedSince(link) };
    } catch (caught) {
      if (caught instanceof Postponed) {
        // The rest of the batch may go on for long.
        const { wayMs, backlogMs } = caught;
        this.#parts.emit({ kind: 'job:postponed', key: jobKey(job), wayMs, backlogMs });
        return { kind: 'postponed', job };
      }
      const user = jobUser(job);
      const error = SyncError.from(caught, { user });
      if (error.code === 'USER_LOCKED') return { kind: 'locked', job, user: error.user ?? user };
      return { kind: 'failed', job, error: error.toData(), counts, suspect: this.#suspect(job, error) };
    }
  }

  /** Replicated, compared, or both, as the setup says. */
  async #carryOut(job: Job, context: EngineContext): Promise<JobResult> {
    const { engine, setup, verify, pending } = this.#parts;
    const replicate = (sides: Sides = context): Promise<JobResult> => {
      const own = { ...context, ...sides };
      if (job.kind === 'user') return engine.runUser(own, job.userid);
      if (job.kind === 'meta') return engine.runMeta(own, job.userid);
      return engine.runMailboxes(own, job.owners, job.names);
    };
    const how = setup.options.verify;
    const subject = how && subjectOf(job);
    if (!how || !subject) return await replicate();
    const kept = new KeptSides(context);
    if (how.after) {
      const result = await replicate(kept.heard());
      if (result === 'absent') return result;
    }
    const parts = {
      ...{ context: how.after ? { ...context, ...kept.told() } : context, how, pending },
      pause: (milliseconds: number) => this.#pause(milliseconds),
    };
    return await verify(parts, subject, () => replicate());
  }

  /** @throws SyncError CANCELLED as soon as the run is being stopped */
  async #pause(milliseconds: number): Promise<void> {
    try {
      await pause(milliseconds, undefined, { signal: this.#stopping.signal });
    } catch {
      // The one thing that ends a pause early.
      throw cancelledError();
    }
  }

  /** The mailbox of the job that the replica was at when the connection broke: somebody else's says nothing of this job. */
  #suspect(job: Job, { family, outstanding }: SyncError): ByteString | undefined {
    const mailbox = outstanding?.mailbox;
    if (family !== 'link' || mailbox === undefined) return undefined;
    const isOfJob =
      job.kind === 'mailboxes'
        ? job.names.includes(mailbox)
        : this.#parts.store.ownerOf(mailbox) === job.userid;
    return isOfJob ? mailbox : undefined;
  }

  #context(link: RunnerLink, { emit, borrow, setAside = [], beforeSending }: TaskParts): EngineContext {
    const { setup, store, master, scripts, there } = this.#parts;
    const { session, stage, partitions, quotaRootLock } = link;
    const options = engineOptions(setup);
    return {
      store: store.forJob(),
      session,
      stage,
      partitions,
      quotaRootLock,
      scripts,
      master,
      borrow,
      beforeSending,
      there,
      options,
      setAside,
      emit,
    };
  }
}

/** The part of a context that is its task's own. */
interface TaskParts {
  emit: EventListener;
  borrow?: EngineContext['borrow'];
  setAside?: readonly SetAside[] | undefined;
  beforeSending?: EngineContext['beforeSending'];
}

/** Share of the latest unit in the mean of all: a few tell, and none for long. */
const WEIGHT_OF_LATEST = 0.25;

function usersOf(job: Job): { users: ByteString[]; mailboxes?: ByteString[] } {
  return job.kind === 'mailboxes' ? { users: job.owners, mailboxes: job.names } : { users: [job.userid] };
}

/** One word for a unit: the worst of its actions. */
function resultOf(results: readonly ActionResult[]): WorkResult {
  if (results.some(({ kind }) => kind === 'failed')) return 'failed';
  if (results.some(({ kind }) => kind === 'locked')) return 'locked';
  return results.some(({ kind }) => kind === 'untouched') ? 'postponed' : 'synced';
}

/** Nothing is compared that is replicated only in part. */
function subjectOf(job: Job): Subject | undefined {
  switch (job.kind) {
    case 'user':
      return { kind: 'user', user: job.userid };
    case 'mailboxes':
      return { kind: 'mailboxes', owners: job.owners, names: job.names };
    case 'meta':
      return undefined;
  }
}

function engineOptions({ connection, layout, from, options }: PoolSetup): EngineOptions {
  const { partition, local, noCopyback, batchSize } = options;
  const { sieveFolder } = layout;
  // How another host's server is configured shows in what it tells.
  const conversations = from ? 'as-told' : layout.conversations;
  const reverseacls = from !== undefined || layout.reverseacls;
  const { server } = connection;
  return { server, partition, local, noCopyback, batchSize, conversations, reverseacls, sieveFolder };
}

function noCounts(): Counts {
  return { mailboxes: 0, messages: 0, octets: 0 };
}

function untouched(jobs: readonly Job[], error: ErrorData): Outcome[] {
  return jobs.map((job) => ({ kind: 'untouched', job, error }));
}

/** The phase is what tells the coordinator that no session was had at all. An attempt that we gave up says nothing of the replica. */
function notConnected(caught: unknown): ErrorData {
  const error = SyncError.from(caught).toData();
  return error.code === 'CANCELLED' ? error : { ...error, phase: 'connect' };
}

function servedSince(link: RunnerLink): number {
  const before = link.servedBefore;
  link.servedBefore = link.session.servedMs;
  return link.servedBefore - before;
}

function cancelledError(): SyncError {
  return new SyncError('CANCELLED', 'the run is being stopped', { retryable: true });
}
