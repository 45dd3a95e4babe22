import { SyncError } from '../../report/sync-error.ts';
import type { MailboxEntry } from '../../store/master-store.ts';
import { intermediateLine } from '../compare/mailbox-line.ts';
import type { EngineContext } from '../connection/engine-context.ts';
import type { MailboxTask } from '../connection/mailbox-task.ts';
import { Order } from '../connection/order.ts';
import { endsJob } from '../outcomes/failures.ts';
import { breaksLink } from '../outcomes/set-aside.ts';
import { settledBeforeThrowing } from '../outcomes/settled-before-throwing.ts';
import { type FolderJob, noteLeftOut, noteState, reportMailbox } from './folder-job.ts';
import { type Newcomer, Newcomers } from './newcomers.ts';
import type { FolderPlan } from './plan-folders.ts';
import { Spread } from './spread.ts';
import { mergeMailbox, startMailbox } from './start-mailbox.ts';
import { partitionOf, type Work } from './survey.ts';

/**
 * Starts every mailbox in list order; their uploads overlap, bounded by the budget of records and the session's window, and
 * are spread over a second connection where one pays.
 */
export async function startAll(
  context: EngineContext,
  job: FolderJob,
  work: readonly Work[],
  plan: FolderPlan,
): Promise<{ finished: Promise<void> }> {
  const spread = new Spread(context);
  try {
    return await startEach(context, job, work, plan, spread);
  } catch (caught) {
    spread[Symbol.dispose]();
    throw caught;
  }
}

/** @param spread is ended when all are finished */
async function startEach(
  context: EngineContext,
  job: FolderJob,
  work: readonly Work[],
  plan: FolderPlan,
  spread: Spread,
): Promise<{ finished: Promise<void> }> {
  const order = new Order();
  const newcomers = new Newcomers((name) => context.store.lookup(name));
  const running: Promise<void>[] = [];
  let fatal: unknown;
  const collect = (entry: MailboxEntry, newcomer: Newcomer | undefined, finished: Promise<void>): void => {
    newcomer?.follow(finished);
    const collected = finished.catch(async (caught) => {
      try {
        // What is above may be refused after this one was sent: then this one's own refusal says nothing.
        await newcomer?.above?.finished;
        const missing = newcomer?.missing;
        if (missing === undefined || endsJob(SyncError.from(caught)))
          reportMailbox(context, job, entry, caught);
        else job.failures.holdBack(entry.name, missing);
      } catch (error) {
        fatal ??= error;
      }
    });
    running.push(collected);
  };
  const startThem = async (): Promise<void> => {
    for (const { entry, remote, comparison } of work) {
      if (fatal !== undefined) break;
      const newcomer = plan.matches.has(entry) ? undefined : newcomers.add(entry);
      await newcomer?.above?.begun;
      if (newcomer?.missing !== undefined) {
        newcomer.fail();
        job.failures.holdBack(entry.name, newcomer.missing);
        continue;
      }
      const aside = context.setAside.find(({ mailbox }) => mailbox === entry.name);
      if (aside) {
        newcomer?.fail();
        reportMailbox(context, job, entry, breaksLink(aside));
        continue;
      }
      if (entry.intermediate) {
        newcomer?.goesOver(context.session);
        const turn = order.turn();
        collect(
          entry,
          newcomer,
          sendIntermediate(context, entry, turn, () => newcomer?.checkAbove()),
        );
        continue;
      }
      const course = await spread.next(remote ? 0 : context.store.estimateMailbox(entry).messages);
      newcomer?.goesOver(course.context.session);
      const turn = order.turn();
      const task: MailboxTask = {
        user: job.user,
        entry,
        remote,
        partition: partitionOf(context, entry),
        turn: { ...turn, ready: turn.ready.then(() => newcomer?.aboveElsewhere) },
        onState: (state) => {
          newcomer?.begin();
          noteState(context, job, state);
        },
        onMerged: () => {
          job.merged = true;
        },
        onLeftOut: (leftOut) => noteLeftOut(context, job, entry, leftOut),
        onExists: () => newcomer?.isMade(),
        onFailed: () => newcomer?.fail(),
        checkNeeds: () => newcomer?.checkAbove(),
      };
      if (comparison.kind === 'diverged') {
        turn.done();
        course[Symbol.dispose]();
        collect(entry, newcomer, mergeMailbox(context, task, comparison));
        continue;
      }
      const { finished } = await startMailbox(course.context, task);
      collect(
        entry,
        newcomer,
        finished.finally(() => course[Symbol.dispose]()),
      );
    }
    await order.all;
  };
  try {
    await settledBeforeThrowing(running, startThem);
  } catch (caught) {
    throw fatal ?? caught;
  }
  const finished = Promise.all(running).then(() => {
    spread[Symbol.dispose]();
    reportHeldBack(context, job);
    if (fatal !== undefined) throw fatal;
  });
  // Whoever awaits it may still be busy when it rejects.
  finished.catch(() => undefined);
  return { finished };
}

/** Reports one line for each mailbox that others needed, however many those are. */
function reportHeldBack(context: EngineContext, job: FolderJob): void {
  for (const [above, names] of job.failures.heldBack) {
    context.emit({ kind: 'mailbox:held-back', above, names });
  }
}

async function sendIntermediate(
  context: EngineContext,
  entry: MailboxEntry,
  turn: MailboxTask['turn'],
  checkNeeds: MailboxTask['checkNeeds'],
): Promise<void> {
  await turn.ready;
  let applied: Promise<void>;
  try {
    await context.session.window();
    checkNeeds();
    applied = context.session.applyMailbox(intermediateLine(entry, context.options.local), []);
  } finally {
    turn.done();
  }
  await applied;
}
