import type { WireMailbox } from '../../protocol/replica-session.ts';
import type { DivergedReason } from '../../report/events.ts';
import { SyncError } from '../../report/sync-error.ts';
import type { KnownMailbox } from '../compare/known-mailbox.ts';
import { areTooMany, type LeftOut, lineWithout } from '../compare/left-out.ts';
import { afterApplying, mailboxLine, partialLine } from '../compare/mailbox-line.ts';
import type { Delta } from '../compare/read-delta.ts';
import { isExpunged } from '../compare/same-record.ts';
import { unaccountedUid } from '../compare/unaccounted-uid.ts';
import { wasCleanedUp } from '../compare/was-cleaned-up.ts';
import { type Claim, claimBudgetAndStage, stepRecords } from '../connection/claim.ts';
import type { EngineContext } from '../connection/engine-context.ts';
import { Lanes } from '../connection/lanes.ts';
import type { MailboxTask } from '../connection/mailbox-task.ts';
import { uploadOnce } from '../connection/upload-once.ts';
import { replicaRecords } from '../merge/record-lists.ts';
import { resolveDiverged } from '../merge/resolve-diverged.ts';
import { isDoubtful } from '../merge/with-counted-checksums.ts';
import { readStep, type StepOptions } from './read-step.ts';
import { StepAhead } from './step-ahead.ts';

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

/**
 * Sends one mailbox in as many steps as it takes. The answer to a step is waited for only when the next one is ready to be
 * sent, so that the replica gets new messages while it is still at work on those before; on another connection, where one
 * can be had, from the moment on when the step before was read.
 */
async function runMailbox(
  context: EngineContext,
  task: MailboxTask,
  firstClaim: Claim,
  merges: number,
): Promise<void> {
  let remote: KnownMailbox | undefined = task.remote;
  let claim: Claim | undefined = firstClaim;
  using lanes = new Lanes(context);
  let lane = context;
  let ahead: StepAhead | undefined;
  /** The latest step, as long as its answer is not known. */
  let sent: SentStep | undefined;
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
      let step: Step | undefined;
      if (!sent?.isLast) {
        // A step that is tried again has its claim already, on the stage of its own lane.
        if (claim) ahead?.[Symbol.dispose]();
        else if (ahead) ({ lane, claim } = ahead.take() ?? { lane, claim });
        claim ??= await claimBudgetAndStage(lane, task);
        try {
          const options = stepOptions(context, task, doubt !== undefined);
          const next = new StepAhead(lanes, lane, task, options);
          ahead = next;
          const how = {
            options,
            keepFiles: removed > 0,
            leftOutBefore: leftOut,
            announce,
            onPartial: (after: KnownMailbox) => next.begin(after),
          };
          step = await prepareStep(lane, task, remote, claim, how);
        } catch (caught) {
          if (!wasRemovedHere(caught) || ++removed === REMOVED_ATTEMPTS) throw caught;
          continue;
        }
      }
      const refusal = await sent?.refusal;
      if (sent && refusal) {
        const { line } = sent;
        sent = undefined;
        claim?.[Symbol.dispose]();
        claim = undefined;
        ahead?.[Symbol.dispose]();
        ahead = undefined;
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
      sent = sendStep(lane, task, step, claim);
      claim = undefined;
      task.turn.done();
      remote = step.after;
    }
  } finally {
    claim?.[Symbol.dispose]();
    ahead?.[Symbol.dispose]();
    // Its answer may be yet to come where the step behind it has failed, and the job is not over before.
    await sent?.refusal;
  }
}

function stepOptions(context: EngineContext, task: MailboxTask, count: boolean): StepOptions {
  const { options, master } = context;
  const compareFirst = !master && !options.noCopyback;
  return { ...options, batchSize: stepRecords(context, task), compareFirst, count };
}

interface SentStep {
  line: WireMailbox;
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
  const isLeftOut = new Set(leftOut.map(({ record }) => record.guid));
  const sent = delta.uploads.flatMap(({ guid, size }) => (isLeftOut.has(guid) ? [] : [{ guid, size }]));
  // Nothing below holds on to the records, which are garbage once they are on the wire.
  const refusal = context.session
    .applyMailbox(line, delta.records)
    .then(
      () => {
        task.onExists();
        context.there?.note(task.partition, task.entry.name, sent);
        context.emit({ kind: 'user:progress', user: task.user, messages, octets });
        return undefined;
      },
      (caught: unknown) => {
        const error = SyncError.from(caught, { mailbox: task.entry.name, phase: 'apply' });
        // At once: a mailbox below may wait for it with the stage that the next step of this one waits for.
        if (isOfExisting(error)) task.onExists();
        else task.onFailed();
        return error;
      },
    )
    .finally(() => claim?.[Symbol.dispose]());
  return { line, isLast, refusal };
}

interface ReadyStep {
  kind: 'send';
  line: WireMailbox;
  /** The replica's side once it is applied. */
  after: KnownMailbox;
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
  options: StepOptions;
  /** Messages were removed after a look: those that this one finds are kept. */
  keepFiles: boolean;
  leftOutBefore: ReadonlyMap<number, LeftOut>;
  /** Is called before anything is sent. */
  announce: () => void;
  /** Is called with the replica's side after a step that others follow, before the messages of that are sent. */
  onPartial: (after: KnownMailbox) => void;
}

/**
 * Reads the next difference and stages its messages. undefined: nothing to do, or the mailbox is gone here.
 *
 * @throws SyncError IMAP_SYNC_CHANGED (family `local`) if a message was removed between the two
 */
async function prepareStep(
  context: EngineContext,
  task: MailboxTask,
  remote: KnownMailbox | undefined,
  claim: Claim,
  { options, keepFiles, leftOutBefore, announce, onPartial }: StepWishes,
): Promise<Step | undefined> {
  const { stage } = context;
  const reading = await context.store.readMailbox(task.entry.name, (mailbox) => {
    const step = readStep(mailbox, task.entry, remote, options);
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

  const lineOptions = { partition: task.partition, local: context.options.local };
  const line = delta.limit
    ? partialLine(local, remote, delta.limit, lineOptions)
    : mailboxLine(local, remote, lineOptions);
  announce();
  if (remote === undefined && delta.uploads.length > 0 && !context.partitions.isKnown(task.partition)) {
    // It creates the mailbox, which has to come after its parent, unless another has shown meanwhile that the partition is there.
    await Promise.race([task.turn.ready, context.partitions.becomesKnown(task.partition)]);
    task.checkNeeds();
    await context.partitions.ensure(line);
  }
  const after = afterApplying(line, remote, local.state);
  if (delta.limit) onPartial(after);
  const endsIt = (count: number): boolean => areTooMany(leftOutBefore.size + count, local.state);
  const { octets, damaged } = await uploadOnce(context, claim, task, messages, delta.uploads, endsIt);
  // An expunged record goes without its message.
  const leftOut = damaged.filter(({ record }) => !isExpunged(record));
  const all = new Map([...leftOutBefore, ...leftOut.map((one) => [one.record.uid, one] as const)]);
  if (all.size === 0) return { kind: 'send', line, after, delta, octets, leftOut };
  return {
    kind: 'send',
    after,
    line: lineWithout(
      line,
      [...all.values()].map(({ record }) => record),
    ),
    delta: { ...delta, records: delta.records.filter(({ uid }) => !all.has(uid)) },
    octets,
    leftOut,
  };
}

/** Tells whether only a replica that has the mailbox refuses so; then the mailbox is looked at again. */
function isOfExisting({ code }: SyncError): boolean {
  return code === 'IMAP_SYNC_CHANGED' || code === 'IMAP_SYNC_CHECKSUM';
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
