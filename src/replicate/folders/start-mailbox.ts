import type { ReplicaMailbox, ReplicaSession, WireMailbox } from '../../protocol/replica-session.ts';
import type { DivergedReason } from '../../report/events.ts';
import { SyncError } from '../../report/sync-error.ts';
import { areTooMany, type LeftOut, lineWithout } from '../compare/left-out.ts';
import { afterApplying, mailboxLine, partialLine } from '../compare/mailbox-line.ts';
import type { Delta } from '../compare/read-delta.ts';
import { isExpunged } from '../compare/same-record.ts';
import { unaccountedUid } from '../compare/unaccounted-uid.ts';
import { wasCleanedUp } from '../compare/was-cleaned-up.ts';
import type { EngineContext } from '../connection/engine-context.ts';
import { Lanes } from '../connection/lanes.ts';
import type { MailboxTask } from '../connection/mailbox-task.ts';
import { reserveElsewhere } from '../connection/reserve-elsewhere.ts';
import { LEAST_BUDGET_RECORDS } from '../connection/stage.ts';
import { upload } from '../connection/upload.ts';
import { replicaRecords } from '../merge/record-lists.ts';
import { resolveDiverged } from '../merge/resolve-diverged.ts';
import { isDoubtful } from '../merge/with-counted-checksums.ts';
import { readStep } from './read-step.ts';

/** SYNC_CHANGED means that someone else wrote to the replica in between: look again, but not for ever. */
const CHANGED_ATTEMPTS = 3;
/**
 * Messages may be removed here while the step that has them is being sent: then what there is is read again. What was
 * uploaded before is not uploaded again, so that each attempt gets further.
 */
const REMOVED_ATTEMPTS = 10;
/** Merges of one mailbox that is changed here meanwhile: each brings it further. */
const MERGES = 4;

/**
 * Brings one mailbox of the replica to the master's state. Waits its turn for the budget and for the stage, in call order,
 * before the returned promise is handed out, so that callers may start many and await them together.
 */
export async function startMailbox(
  context: EngineContext,
  task: MailboxTask,
  merges = 0,
): Promise<{ finished: Promise<void> }> {
  const claim = await claimBudgetAndStage(context, task);
  const noteFailure = (caught: unknown): never => {
    task.onFailed();
    throw caught;
  };
  const finished = runMailbox(context, task, claim, merges).catch(noteFailure).finally(task.turn.done);
  return { finished };
}

/**
 * Merges a mailbox that has diverged, and goes on from there with what was changed here meanwhile, as with any change: it
 * is only the replica's answer to that which shows that both agree.
 *
 * @param merges of this mailbox in this job so far
 * @throws SyncError as `resolveDiverged`
 */
export async function mergeMailbox(
  context: EngineContext,
  task: MailboxTask,
  { reason, detail }: Divergence,
  merges = 0,
): Promise<void> {
  const remote = await resolveDiverged(context, task, reason, detail);
  if (remote === undefined) return;
  if (merges + 1 === MERGES) throw stillChanging(task);
  const { finished } = await startMailbox(context, { ...task, remote }, merges + 1);
  await finished;
}

interface Claim extends Disposable {
  budget: Disposable;
  hold: Disposable;
}

/** Takes the budget before the stage, always in this order: a holder of the stage never waits for the budget. */
async function claimBudgetAndStage(context: EngineContext, task: MailboxTask): Promise<Claim> {
  const { messages } = context.store.estimateMailbox(task.entry);
  const budget = await context.stage.budget(Math.max(LEAST_BUDGET_RECORDS, stepSize(context, messages)));
  const hold = await context.stage.hold();
  return {
    budget,
    hold,
    [Symbol.dispose]() {
      hold[Symbol.dispose]();
      budget[Symbol.dispose]();
    },
  };
}

function stepSize(context: EngineContext, messages: number): number {
  return context.options.batchSize > 0 ? Math.min(messages, context.options.batchSize) : messages;
}

/**
 * Sends one mailbox in as many steps as it takes. The answer to a step is waited for only when the next one is ready to be
 * sent, so that the replica gets new messages while it is still at work on those before; and not even then where the next
 * step goes to another process of a replica that takes no step before the one that it builds on.
 */
async function runMailbox(
  context: EngineContext,
  task: MailboxTask,
  firstClaim: Claim,
  merges: number,
): Promise<void> {
  let { remote } = task;
  let claim: Claim | undefined = firstClaim;
  using lanes = new Lanes(context);
  let lane = context;
  const sent: SentStep[] = [];
  /** Messages by UID that were left out of the steps sent so far. */
  const leftOut = new Map<number, LeftOut>();
  let changed = 0;
  let removed = 0;
  /** Why the checksums in the master's index are not believed any more. */
  let doubt: Divergence | undefined;
  let announced = false;
  const announce = (): void => {
    if (announced) return;
    announced = true;
    context.emit({ kind: 'command:mailbox', name: task.entry.name, local: context.options.local });
  };
  try {
    for (;;) {
      const latest = sent.at(-1);
      let step: Step | undefined;
      if (!latest?.isLast) {
        // A step that is tried again has its claim already, on the stage of its own lane.
        if (latest && !claim) lane = await lanes.next(latest.records);
        claim ??= await claimBudgetAndStage(lane, task);
        try {
          const how = {
            count: doubt !== undefined,
            keepFiles: removed > 0,
            leftOutBefore: leftOut,
            announce,
          };
          step = await prepareStep(lane, task, remote, how);
        } catch (caught) {
          if (!wasRemovedHere(caught) || ++removed === REMOVED_ATTEMPTS) throw caught;
          continue;
        }
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
          const refused = { reason: 'checksum-refused', detail: refusal.message } as const;
          if (!doubt && isDoubtful(context, refused.reason)) {
            doubt = refused;
            lane = context;
            remote = (await context.session.getMailboxes([task.entry.name]))[0];
            continue;
          }
          return await mergeMailbox(context, task, refused, merges);
        }
        throw await context.partitions.explain(refusal, line.partition, line.name);
      }
      if (step === undefined) return;
      if (step.kind === 'diverged') {
        if (!doubt && isDoubtful(context, step.reason)) {
          doubt = step;
          continue;
        }
        claim?.[Symbol.dispose]();
        claim = undefined;
        task.turn.done();
        return await mergeMailbox(context, task, doubt?.reason === 'checksum-refused' ? doubt : step, merges);
      }
      await task.turn.ready;
      task.checkNeeds();
      for (const one of step.leftOut) leftOut.set(one.record.uid, one);
      task.onLeftOut(step.leftOut);
      sent.push(sendStep(lane, task, step, claim));
      claim = undefined;
      task.turn.done();
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

/** Sends a step, which owns the claim from here on and gives it back with its answer. */
function sendStep(
  context: EngineContext,
  task: MailboxTask,
  { line, delta, octets, leftOut }: ReadyStep,
  claim: Claim | undefined,
): SentStep {
  const isLast = delta.limit === undefined;
  const messages = delta.uploads.length - leftOut.length;
  const records = delta.records.length;
  const isLeftOut = new Set(leftOut.map(({ record }) => record.guid));
  const sent = delta.uploads.flatMap(({ guid, size }) => (isLeftOut.has(guid) ? [] : [{ guid, size }]));
  // Nothing below holds on to the records, which are garbage once they are on the wire.
  const refusal = context.session
    .applyMailbox(line, delta.records)
    .then(
      () => {
        context.there?.note(task.partition, task.entry.name, sent);
        context.emit({ kind: 'user:progress', user: task.user, messages, octets });
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
  leftOut: readonly LeftOut[];
}

interface Divergence {
  reason: DivergedReason;
  detail: string;
}

type Step = ReadyStep | ({ kind: 'diverged' } & Divergence);

interface StepWishes {
  /** Checksums from the records, in place of those in the index. */
  count: boolean;
  /** Messages were removed after a look: those that this one finds are kept. */
  keepFiles: boolean;
  leftOutBefore: ReadonlyMap<number, LeftOut>;
  /** Is called before anything is sent. */
  announce: () => void;
}

/**
 * Reads the next difference and stages its messages. undefined: nothing to do, or the mailbox is gone here.
 *
 * @throws SyncError IMAP_SYNC_CHANGED (family `local`) if a message was removed between the two
 */
async function prepareStep(
  context: EngineContext,
  task: MailboxTask,
  remote: ReplicaMailbox | undefined,
  { count, keepFiles, leftOutBefore, announce }: StepWishes,
): Promise<Step | undefined> {
  const { options, stage } = context;
  const compareFirst = !context.master && !options.noCopyback;
  const reading = await context.store.readMailbox(task.entry.name, (mailbox) => {
    const step = readStep(mailbox, task.entry, remote, { ...options, compareFirst, count });
    if (!keepFiles || step.kind !== 'delta') return { ...step, kept: undefined };
    const unsent = step.delta.uploads.filter(({ guid }) => !stage.find(task.partition, guid));
    return { ...step, kept: step.messages.keepFiles(unsent) };
  });
  if (reading === undefined) return undefined;
  using _kept = reading.kept;
  task.onState(reading.state);
  if (reading.stale) context.emit(reading.stale);
  if (reading.kind === 'unchanged') return undefined;
  if (reading.kind === 'diverged') return reading;

  const { local, delta, messages, ours } = reading;
  if (ours) {
    const { remote: there, records: theirs } = await replicaRecords(context.session, task.entry.name);
    const isCleanedUp = wasCleanedUp({ ...local.state, records: ours }, { ...there, records: theirs });
    const uid = unaccountedUid(ours, theirs, isCleanedUp);
    if (uid !== undefined) {
      return { kind: 'diverged', reason: 'changed-on-replica', detail: `message ${uid} was changed there` };
    }
  }

  const lineOptions = { partition: task.partition, local: options.local };
  const line = delta.limit
    ? partialLine(local, remote, delta.limit, lineOptions)
    : mailboxLine(local, remote, lineOptions);
  announce();
  if (remote === undefined && delta.uploads.length > 0 && !context.partitions.isKnown(task.partition)) {
    // It creates the mailbox, which has to come after its parent.
    await task.turn.ready;
    task.checkNeeds();
    await context.partitions.ensure(line);
  }
  await reserveElsewhere(context, task.partition, delta.uploads);
  const { octets, damaged } = await upload(
    context,
    messages,
    task.partition,
    delta.uploads,
    task.checkNeeds,
    (count) => areTooMany(leftOutBefore.size + count, local.state),
  );
  // An expunged record goes without its message.
  const leftOut = damaged.filter(({ record }) => !isExpunged(record));
  const all = new Map([...leftOutBefore, ...leftOut.map((one) => [one.record.uid, one] as const)]);
  if (all.size === 0) return { kind: 'send', line, delta, octets, leftOut };
  return {
    kind: 'send',
    line: lineWithout(
      line,
      [...all.values()].map(({ record }) => record),
    ),
    delta: { ...delta, records: delta.records.filter(({ uid }) => !all.has(uid)) },
    octets,
    leftOut,
  };
}

function wasRemovedHere(caught: unknown): boolean {
  const { code, family } = SyncError.from(caught);
  return code === 'IMAP_SYNC_CHANGED' && family === 'local';
}

function stillChanging({ entry }: MailboxTask): SyncError {
  return new SyncError('IMAP_SYNC_CHANGED', `it had to be merged ${MERGES} times and was changed again`, {
    phase: 'compare',
    mailbox: entry.name,
    hint: 'the mailbox changes while it is being replicated; run again',
    retryable: true,
  });
}
