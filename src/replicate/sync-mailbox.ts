import type { ReplicaMailbox, ReplicaSession, WireMailbox } from '../protocol/replica-session.ts';
import { SyncError } from '../report/sync-error.ts';
import { unaccountedUid } from './accounted.ts';
import { compareMailbox, type DivergedReason } from './compare-mailbox.ts';
import { type Delta, readDelta } from './delta.ts';
import type { EngineContext } from './engine.ts';
import { appendWouldMiss } from './foresee.ts';
import { Lanes } from './lanes.ts';
import { afterApplying, mailboxLine, partialLine } from './mailbox-line.ts';
import type { MailboxTask } from './mailbox-task.ts';
import { masterRecords, replicaRecords } from './record-lists.ts';
import { resolveDiverged } from './resolve-diverged.ts';
import { checkSame } from './same-mailbox.ts';
import { upload } from './upload.ts';

/** SYNC_CHANGED means that someone else wrote to the replica in between: look again, but not for ever. */
const CHANGED_ATTEMPTS = 3;
/** A mailbox is given room for at least this many records, which also bounds how many are open at once. */
const LEAST_ROOM = 256;

/**
 * Brings one mailbox of the replica to the master's state. Waits its turn for room and for the stage, in call order,
 * before the returned promise is handed out, so that callers may start many and await them together.
 */
export async function startMailbox(
  context: EngineContext,
  task: MailboxTask,
): Promise<{ finished: Promise<void> }> {
  const claim = await claimRoom(context, task);
  const finished = runMailbox(context, task, claim).finally(task.place.done);
  return { finished };
}

interface Claim extends Disposable {
  room: Disposable;
  hold: Disposable;
}

/** Room before the stage, always in this order: a holder of the stage never waits for room. */
async function claimRoom(context: EngineContext, task: MailboxTask): Promise<Claim> {
  const { messages } = context.store.estimateMailbox(task.entry);
  const room = await context.stage.room(Math.max(LEAST_ROOM, stepSize(context, messages)));
  const hold = await context.stage.hold();
  return {
    room,
    hold,
    [Symbol.dispose]() {
      hold[Symbol.dispose]();
      room[Symbol.dispose]();
    },
  };
}

function stepSize(context: EngineContext, messages: number): number {
  return context.options.batchSize > 0 ? Math.min(messages, context.options.batchSize) : messages;
}

/**
 * One mailbox in as many steps as it takes. The answer to a step is waited for only when the next one is ready to be
 * sent, so that the replica gets new messages while it is still at work on those before; and not even then where the next
 * step goes to another process of a replica that takes no step before the one that it builds on.
 */
async function runMailbox(context: EngineContext, task: MailboxTask, firstClaim: Claim): Promise<void> {
  let { remote } = task;
  let claim: Claim | undefined = firstClaim;
  using lanes = new Lanes(context);
  let lane = context;
  const sent: SentStep[] = [];
  let changed = 0;
  try {
    for (;;) {
      const latest = sent.at(-1);
      let step: Step | undefined;
      if (!latest?.isLast) {
        if (latest) lane = await lanes.next(latest.records);
        claim ??= await claimRoom(lane, task);
        step = await prepareStep(lane, task, remote, latest === undefined && changed === 0);
      }
      const keepsOrder = latest?.session !== lane.session && lane.session.info.checksSince && changed === 0;
      const refused = await firstRefused(sent, step?.kind === 'send' && keepsOrder ? 1 : 0);
      if (refused) {
        const { refusal, line } = refused;
        claim?.[Symbol.dispose]();
        claim = undefined;
        if (refusal.code === 'IMAP_SYNC_CHANGED' && ++changed < CHANGED_ATTEMPTS) {
          lane = context;
          remote = (await context.session.getMailboxes([task.entry.name]))[0];
          continue;
        }
        if (refusal.code === 'IMAP_SYNC_CHECKSUM') {
          return await resolveDiverged(context, task, 'checksum-refused', refusal.message);
        }
        throw context.partitions.explain(refusal, line);
      }
      if (step === undefined) return;
      if (step.kind === 'diverged') {
        claim?.[Symbol.dispose]();
        claim = undefined;
        task.place.done();
        return await resolveDiverged(context, task, step.reason, step.detail);
      }
      await task.place.ready;
      task.checkNeeds();
      sent.push(sendStep(lane, task, step, claim));
      claim = undefined;
      task.place.done();
      remote = afterApplying(step.line);
    }
  } finally {
    claim?.[Symbol.dispose]();
  }
}

/**
 * Waits for the answers to all but the `kept` latest steps, and takes those off. Behind a refusal it waits for all: what
 * builds on a refused step is refused too, and says nothing.
 */
async function firstRefused(
  sent: SentStep[],
  kept: number,
): Promise<{ refusal: SyncError; line: WireMailbox } | undefined> {
  while (sent.length > kept) {
    const step = sent.shift();
    const refusal = await step?.refusal;
    if (!step || !refusal) continue;
    for (const later of sent.splice(0)) await later.refusal;
    return { refusal, line: step.line };
  }
  return undefined;
}

interface SentStep {
  session: ReplicaSession;
  line: WireMailbox;
  records: number;
  /** Nothing of the mailbox is left for another step. */
  isLast: boolean;
  /** Resolves with the answer: undefined if it was OK. Rejects never. */
  refusal: Promise<SyncError | undefined>;
}

/** The claim is the step's from here on, and given back with its answer. */
function sendStep(
  context: EngineContext,
  task: MailboxTask,
  { line, delta, octets }: ReadyStep,
  claim: Claim | undefined,
): SentStep {
  const isLast = delta.limit === undefined;
  const messages = delta.uploads.length;
  const records = delta.records.length;
  // Nothing below holds on to the records, which are garbage once they are on the wire.
  const refusal = context.session
    .applyMailbox(line, delta.records)
    .then(
      () => {
        context.emit({ kind: 'user:progress', user: task.user, messages, bytes: octets });
        return undefined;
      },
      (caught: unknown) => SyncError.from(caught, { mailbox: task.entry.name, phase: 'apply' }),
    )
    .finally(() => claim?.[Symbol.dispose]());
  return { session: context.session, line, records, isLast, refusal };
}

interface ReadyStep {
  kind: 'send';
  line: WireMailbox;
  delta: Delta;
  octets: number;
}

type Step = ReadyStep | { kind: 'diverged'; reason: DivergedReason; detail: string };

/** Reads the next difference and stages its messages. undefined: nothing to do, or the mailbox is gone here. */
async function prepareStep(
  context: EngineContext,
  task: MailboxTask,
  remote: ReplicaMailbox | undefined,
  isFirst: boolean,
): Promise<Step | undefined> {
  const { options } = context;
  using mailbox = await context.store.openMailbox(task.entry.name);
  if (mailbox === undefined) return undefined;
  checkSame(mailbox, task.entry);
  task.onState(mailbox.state);
  const local = { entry: mailbox.entry, state: mailbox.state, annotations: mailbox.annotations };
  if (remote) {
    const comparison = compareMailbox(local, remote, options);
    if (comparison.kind === 'unchanged') return undefined;
    if (comparison.kind === 'diverged') return comparison;
  }
  const delta = readDelta(mailbox, remote, options.batchSize);
  const compareFirst = remote && !delta.limit && !context.master && !options.noCopyback;
  const ours = compareFirst && changesOld(delta, remote) ? masterRecords(mailbox) : undefined;
  mailbox.releaseIndex();
  if (delta.coincidingUid !== undefined) {
    return {
      kind: 'diverged',
      reason: 'modseq-coincides',
      detail: `message ${delta.coincidingUid} is missing on the replica although its modseq is not above the replica's`,
    };
  }

  if (remote && !delta.limit && appendWouldMiss(local.state, remote, delta.records)) {
    return {
      kind: 'diverged',
      reason: 'crc-differs-below-append',
      detail: `the replica's SYNC_CRC ${remote.crcBasic} is not what the master had at modseq ${remote.highestmodseq}`,
    };
  }

  if (ours) {
    // Nobody may mend the master, so a conflict must not be found out by the replica's final checksum.
    const { records: theirs } = await replicaRecords(context.session, task.entry.name);
    const uid = unaccountedUid(ours, theirs, local.state.deletedmodseq);
    if (uid !== undefined) {
      return { kind: 'diverged', reason: 'changed-on-replica', detail: `message ${uid} was changed there` };
    }
  }

  const lineOptions = { partition: task.partition, local: options.local };
  const line = delta.limit
    ? partialLine(local, remote, delta.limit, lineOptions)
    : mailboxLine(local, remote, lineOptions);
  if (isFirst) {
    context.emit({ kind: 'command:mailbox', name: task.entry.name, local: options.local });
  }
  if (remote === undefined && delta.uploads.length > 0 && !context.partitions.isKnown(task.partition)) {
    // It creates the mailbox, which has to come after its parent.
    await task.place.ready;
    task.checkNeeds();
    await context.partitions.ensure(line);
  }
  const octets = await upload(context, mailbox, task.partition, delta.uploads, task.checkNeeds);
  return { kind: 'send', line, delta, octets };
}

/** Whether records change that the replica has already: how they were, the checksums do not tell. */
function changesOld(delta: Delta, remote: ReplicaMailbox): boolean {
  return delta.records.some((record) => record.uid <= remote.lastUid);
}
