import type { ReplicaMailbox } from '../protocol/replica-session.ts';
import { SyncError } from '../report/sync-error.ts';
import type { MailboxEntry, OpenMailbox } from '../store/master-store.ts';
import { compareMailbox, type DivergedReason } from './compare-mailbox.ts';
import { type Delta, readDelta } from './delta.ts';
import type { EngineContext } from './engine.ts';
import { afterApplying, mailboxLine, partialLine } from './mailbox-line.ts';
import type { MailboxTask } from './mailbox-task.ts';
import { resolveDiverged } from './resolve-diverged.ts';
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

async function runMailbox(context: EngineContext, task: MailboxTask, firstClaim: Claim): Promise<void> {
  let { remote } = task;
  let claim: Claim | undefined = firstClaim;
  let changed = 0;
  let announced = false;
  try {
    for (;;) {
      claim ??= await claimRoom(context, task);
      const step = await prepareStep(context, task, remote, announced);
      if (step === undefined) return;
      if (step.kind === 'diverged') {
        claim[Symbol.dispose]();
        claim = undefined;
        task.place.done();
        return await resolveDiverged(context, task, step.reason, step.detail);
      }
      announced = true;
      await task.place.ready;
      const applied = context.session.applyMailbox(step.line, step.delta.records);
      task.place.done();
      try {
        await applied;
      } catch (caught) {
        const error = SyncError.from(caught, { mailbox: task.entry.name, phase: 'apply' });
        if (error.code === 'IMAP_SYNC_CHANGED' && ++changed < CHANGED_ATTEMPTS) {
          remote = (await context.session.getMailboxes([task.entry.name]))[0];
          continue;
        }
        if (error.code === 'IMAP_SYNC_CHECKSUM') {
          claim[Symbol.dispose]();
          claim = undefined;
          return await resolveDiverged(context, task, 'checksum-refused', error.message);
        }
        throw context.partitions.explain(error, step.line);
      } finally {
        claim?.[Symbol.dispose]();
        claim = undefined;
      }
      context.emit({
        kind: 'user:progress',
        user: task.user,
        messages: step.delta.uploads.length,
        bytes: step.octets,
      });
      if (step.delta.limit === undefined) return;
      remote = afterApplying(step.line);
    }
  } finally {
    claim?.[Symbol.dispose]();
  }
}

type Step =
  | { kind: 'send'; line: ReturnType<typeof mailboxLine>; delta: Delta; octets: number }
  | { kind: 'diverged'; reason: DivergedReason; detail: string };

/** Reads the next difference and stages its messages. undefined: nothing to do, or the mailbox is gone here. */
async function prepareStep(
  context: EngineContext,
  task: MailboxTask,
  remote: ReplicaMailbox | undefined,
  announced: boolean,
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
  mailbox.releaseIndex();
  if (delta.coincidingUid !== undefined) {
    return {
      kind: 'diverged',
      reason: 'modseq-coincides',
      detail: `message ${delta.coincidingUid} is missing on the replica although its modseq is not above the replica's`,
    };
  }

  const lineOptions = { partition: task.partition, local: options.local };
  const line = delta.limit
    ? partialLine(local, remote, delta.limit, lineOptions)
    : mailboxLine(local, remote, lineOptions);
  if (!announced) {
    context.emit({ kind: 'command:mailbox', name: task.entry.name, local: options.local });
  }
  if (remote === undefined && delta.uploads.length > 0 && !context.partitions.isKnown(task.partition)) {
    // It creates the mailbox, which has to come after its parent.
    await task.place.ready;
    await context.partitions.ensure(line);
  }
  const octets = await upload(context, mailbox, task.partition, delta.uploads);
  return { kind: 'send', line, delta, octets };
}

/** The row was listed a moment ago; a mailbox moved or replaced since then is another one. */
function checkSame(mailbox: OpenMailbox, listed: MailboxEntry): void {
  if (mailbox.entry.uniqueid === listed.uniqueid && mailbox.entry.partition === listed.partition) return;
  throw new SyncError('IMAP_MAILBOX_MOVED', 'the mailbox was moved or replaced while it was being read', {
    mailbox: listed.name,
    phase: 'compare',
    retryable: true,
  });
}
