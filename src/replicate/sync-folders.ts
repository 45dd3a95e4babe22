import type { ByteString } from '../byte-string.ts';
import type { ReplicaMailbox } from '../protocol/replica-session.ts';
import { SyncError } from '../report/sync-error.ts';
import type { MailboxEntry } from '../store/master-store.ts';
import type { EngineContext } from './engine.ts';
import { type FolderJob, reportMailbox } from './folder-job.ts';
import { type Fate, type FolderPlan, type FolderStep, planFolders } from './folders.ts';
import { formerInboxes, giveUpNames } from './former-name.ts';
import { intermediateLine } from './mailbox-line.ts';
import type { MailboxTask } from './mailbox-task.ts';
import { Order } from './order.ts';
import { resolveDiverged } from './resolve-diverged.ts';
import { isMadeOfOurScripts } from './script-files.ts';
import { partitionOf, survey, type Work } from './survey.ts';
import { startMailbox } from './sync-mailbox.ts';

/**
 * Brings the folders of one job to the master's state: names first, then contents.
 *
 * @returns `again` if names were changed on the replica, which changes what it reports of them: fetch and call again.
 *   Resolves when every MAILBOX is sent; `finished` when all are answered and their failures collected.
 */
export async function syncFolders(
  context: EngineContext,
  job: FolderJob,
): Promise<'again' | { finished: Promise<void> }> {
  context.partitions.learn(job.replica);
  const plan = planFolders({
    master: job.entries,
    replica: [...job.replica, ...(await findElsewhere(context, job))],
    partitionOf: (entry) => context.options.partition ?? entry.partition,
    fateOfName: (name) => fate(context.store.lookup(name)),
    fateOfUniqueid: (uniqueid) => fate(context.store.lookupUniqueid(uniqueid)),
    whole: job.whole,
    replace: context.options.noCopyback,
    replaceable: await ownScriptMailboxes(context, job),
  });
  reportLeftAlone(context, job, plan);
  if (plan.steps.length > 0) {
    await runSteps(context, job, plan.steps);
    if (!job.failures.any) return 'again';
  }

  const blocked = new Set(plan.blocked.map((item) => item.entry));
  const entries = job.entries.filter((entry) => !blocked.has(entry));
  const work = await survey(context, job, entries, plan);
  return startAll(context, job, work);
}

/** Uniqueids of the replica's script mailboxes that may give way to the master's. */
async function ownScriptMailboxes(context: EngineContext, job: FolderJob): Promise<Set<ByteString>> {
  const found = new Set<ByteString>();
  for (const entry of job.entries.filter(({ type }) => type.includes('f'))) {
    const other = job.replica.find(
      ({ name, uniqueid }) => name === entry.name && uniqueid !== entry.uniqueid,
    );
    if (other && (await isMadeOfOurScripts(context, entry, other))) found.add(other.uniqueid);
  }
  return found;
}

/**
 * Mailboxes of ours that the replica has outside of what it listed for this job: a user or a folder that was renamed
 * from another owner's namespace. They are asked for only where there is a reason to expect one.
 *
 * @throws SyncError USER_LOCKED if another client is at work on that owner
 */
async function findElsewhere(context: EngineContext, job: FolderJob): Promise<ReplicaMailbox[]> {
  const listed = new Set(job.replica.map((mailbox) => mailbox.uniqueid));
  const sought = job.entries.filter(
    ({ uniqueid }) => !listed.has(uniqueid) && (job.moved || context.store.formerNames(uniqueid).length > 0),
  );
  const found = await context.session.getUniqueids(sought.map((entry) => entry.uniqueid));
  for (const mailbox of found) job.locks.take(context.store.ownerOf(mailbox.name) ?? '');
  return found;
}

function fate(entry: MailboxEntry | undefined): Fate {
  if (!entry) return 'unknown';
  return entry.deleted ? 'tombstone' : 'live';
}

function reportLeftAlone(context: EngineContext, job: FolderJob, plan: FolderPlan): void {
  for (const mailbox of plan.replicaOnly) {
    context.emit({
      kind: 'notice',
      // DELETED mailboxes that cyr_expire removed here stay there until the replica's own cyr_expire runs.
      level: mailbox.name.includes('DELETED.') ? 'debug' : 'notice',
      text: `do_folders: no tombstone for deleted mailbox ${mailbox.name} (${mailbox.uniqueid}), left alone on the replica`,
    });
  }
  for (const { entry, other, why } of plan.blocked) {
    const what =
      why === 'uniqueid-differs'
        ? `the replica has another mailbox of this name: uniqueid ${entry.uniqueid} here, ${other.uniqueid} there`
        : `it has to be renamed on the replica, where another mailbox (uniqueid ${other.uniqueid}) has its name`;
    // The words of the C client, which sends the command and is told; alerts look for them.
    const command = why === 'uniqueid-differs' ? 'MAILBOX' : 'RENAME';
    context.emit({
      kind: 'notice',
      level: 'error',
      text: `${command} received NO response: IMAP_MAILBOX_MOVED (foreseen, so not sent): ${entry.name}: ${what}`,
    });
    job.failures.add(
      'folders',
      new SyncError('IMAP_MAILBOX_MOVED', what, {
        hint: 'rename or remove the mailbox on the replica if it is not wanted, then run again',
      }),
      entry.name,
    );
  }
}

async function runSteps(context: EngineContext, job: FolderJob, steps: readonly FolderStep[]): Promise<void> {
  const { local } = context.options;
  const done: FolderStep[] = [];
  const commands = steps.map(async (step) => {
    if (step.kind === 'unmailbox') {
      context.emit({ kind: 'command:unmailbox', name: step.name, local });
      await context.session.applyUnmailbox(step.name, local);
    } else {
      const { kind: _kind, ...rename } = step;
      context.emit({ kind: 'command:rename', local, ...rename });
      await context.session.applyRename({ ...rename, local });
    }
    done.push(step);
  });
  await job.failures.all('folders', commands);
  await giveUpNames(context, formerInboxes(context, done));
}

/** Starts every mailbox in list order; their uploads overlap, bounded by the stage's room and the session's window. */
async function startAll(
  context: EngineContext,
  job: FolderJob,
  work: readonly Work[],
): Promise<{ finished: Promise<void> }> {
  const order = new Order();
  const running: Promise<void>[] = [];
  let fatal: unknown;
  const collect = (entry: MailboxEntry, finished: Promise<void>): void => {
    const collected = finished.catch((caught) => {
      try {
        reportMailbox(context, job, entry, caught);
      } catch (error) {
        fatal ??= error;
      }
    });
    running.push(collected);
  };
  for (const { entry, remote, comparison } of work) {
    if (fatal !== undefined) break;
    const place = order.place();
    if (entry.intermediate) {
      collect(entry, sendIntermediate(context, entry, place));
      continue;
    }
    const task: MailboxTask = {
      user: job.user,
      entry,
      remote,
      partition: partitionOf(context, entry),
      place,
      onState: (state) => {
        if (state.quotaroot !== undefined) job.roots.add(state.quotaroot);
      },
    };
    if (comparison.kind === 'diverged') {
      place.done();
      collect(entry, resolveDiverged(context, task, comparison.reason, comparison.detail));
      continue;
    }
    const { finished } = await startMailbox(context, task);
    collect(entry, finished);
  }
  await order.all;
  const finished = Promise.all(running).then(() => {
    if (fatal !== undefined) throw fatal;
  });
  // Whoever awaits it may still be busy when it rejects.
  finished.catch(() => undefined);
  return { finished };
}

async function sendIntermediate(
  context: EngineContext,
  entry: MailboxEntry,
  place: MailboxTask['place'],
): Promise<void> {
  await place.ready;
  const applied = context.session.applyMailbox(intermediateLine(entry, context.options.local), []);
  place.done();
  await applied;
}
