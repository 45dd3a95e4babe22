/**
 * The door of `replicate/folders`. Here the folders of a job are brought to the master's state: names first
 * (`planFolders`), then contents (`survey`, `startMailbox`), and a mailbox only after the one above it. It may use merge
 * and all below, never a job. Nothing is removed without proof that it was deleted here; what depends on something that
 * failed is held back and counted as not sent; `finished` resolves, never rejects but for what ends the job.
 */

import type { ByteString } from '../../byte-string.ts';
import type { ReplicaMailbox } from '../../protocol/replica-session.ts';
import { SyncError } from '../../report/sync-error.ts';
import type { MailboxEntry } from '../../store/master-store.ts';
import type { EngineContext } from '../connection/engine-context.ts';
import { isMadeOfOurScripts } from '../user-data/script-files.ts';
import { setQuotaFirst } from '../user-data/set-quota-first.ts';
import { findElsewhere } from './find-elsewhere.ts';
import { findTwins, isLive, twinDamage } from './find-twins.ts';
import { type FolderJob, reportMailbox } from './folder-job.ts';
import { formerInboxes, giveUpNames, inboxRenames } from './give-up-names.ts';
import { neededAbove } from './mailbox-above.ts';
import { type Fate, type FolderPlan, type FolderStep, planFolders } from './plan-folders.ts';
import { canBeOpened, replicated } from './replicated.ts';
import { scriptRenames } from './script-renames.ts';
import { startAll } from './start-all.ts';
import { survey, type Work } from './survey.ts';

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
  const elsewhere = await findElsewhere(context, job);
  const replica = [...job.replica, ...elsewhere];
  await askOfTheirs(context, job, replica, elsewhere);
  const entries = [...job.entries, ...deletedOfOthers(context, job)];
  context.partitions.learn(replica);
  const namesThere = new Map(replica.map(({ uniqueid, name }) => [uniqueid, name]));
  const scripts = await ownScriptMailboxes(context, job);
  // One that has lost its name since it was listed is not renamed to that: it might take the place of who has it now.
  const present = entries.filter(({ name, uniqueid }) => {
    const there = namesThere.get(uniqueid);
    return there === undefined || there === name || isLive(context.store, name, uniqueid);
  });
  const onTheirWay = movedSince(entries, present);
  const twins = findTwins(context.store, present, (uniqueid) => namesThere.get(uniqueid));
  const plan = planFolders({
    master: present,
    replica,
    twins,
    partitionOf: (entry) => context.options.partition ?? entry.partition,
    fateOfName: (name) => fate(context, context.store.lookup(name)),
    fateOfMailbox: (mailbox) => (onTheirWay.has(mailbox.uniqueid) ? 'live' : fateOfMailbox(context, mailbox)),
    whole: job.whole,
    logged: job.logged,
    replace: context.options.noCopyback,
    replaceable: scripts,
  });
  reportLeftAlone(context, job, plan);
  for (const [entry, other] of twins) reportMailbox(context, job, entry, twinDamage(entry, other));
  const misnamed = new Set(
    [...twins.keys(), ...plan.blocked.map(({ entry }) => entry)].map(({ name }) => name),
  );
  if (plan.steps.length > 0) {
    const before = job.failures.count;
    for (const name of await runSteps(context, job, plan.steps)) misnamed.add(name);
    if (job.failures.count === before) return 'again';
  }

  const named = entries.filter((entry) => !misnamed.has(entry.name));
  const work = await survey(context, job, await withoutOrphans(context, job, named, plan), plan);
  // What has been reported already would be reported again.
  if (job.failures.count === 0) await context.beforeSending?.(toSend(context, work));
  if (job.quotas && replica.length === 0 && job.failures.count === 0 && context.setAside.length === 0) {
    await setQuotaFirst(context, job.user, entries, job.quotas);
  }
  return startAll(context, job, work, plan);
}

/**
 * Uniqueids of what was listed and has lost its name since. Nobody has asked yet where that is now, and the tombstone
 * under a former name would tell of a deletion.
 */
function movedSince(
  listed: readonly MailboxEntry[],
  present: readonly MailboxEntry[],
): ReadonlySet<ByteString> {
  const there = new Set(present);
  return new Set(listed.filter((entry) => !there.has(entry)).map(({ uniqueid }) => uniqueid));
}

/** Mailboxes, then messages of those that the replica does not have, for each of which a file has to be opened here. */
function* toSend({ store }: EngineContext, work: readonly Work[]): Generator<number> {
  yield work.length;
  for (const { entry, remote } of work) {
    if (!remote && !entry.intermediate) yield store.estimateMailbox(entry).messages;
  }
}

/** Selects mailboxes that the replica has, or whose mailbox above it has or is to get. The others are held back. */
async function withoutOrphans(
  context: EngineContext,
  job: FolderJob,
  entries: readonly MailboxEntry[],
  plan: FolderPlan,
): Promise<MailboxEntry[]> {
  if (entries.every((entry) => plan.matches.has(entry))) return [...entries];
  const { store } = context;
  const lookup = (name: ByteString): MailboxEntry | undefined => store.lookup(name);
  const listed = namesToBuildOn(context, job.replica);
  for (const entry of entries) if (plan.matches.has(entry)) listed.add(entry.name);
  const needed = neededAbove(entries, listed, lookup);
  const asked = job.whole ? [] : await context.session.getMailboxes([...new Set(needed.values())]);
  const found = namesToBuildOn(context, asked);
  return entries.filter((entry) => {
    const above = needed.get(entry);
    if (above === undefined || found.has(above)) return true;
    job.failures.holdBack(entry.name, above);
    return false;
  });
}

/**
 * Names under which the replica has a mailbox that others may be made below. A row without storage may be the remains of a
 * mailbox, and an INBOX of this name that is another's would be given folders that are not its user's.
 */
function namesToBuildOn({ store }: EngineContext, mailboxes: readonly ReplicaMailbox[]): Set<ByteString> {
  const there = mailboxes.filter(({ name, type, uniqueid }) => {
    if (type.includes('i')) return false;
    const owner = store.ownerOf(name);
    return (
      owner === undefined || store.inboxName(owner) !== name || store.lookup(name)?.uniqueid === uniqueid
    );
  });
  return new Set(there.map(({ name }) => name));
}

/** Uniqueids of the replica's script mailboxes that may give way to the master's. */
async function ownScriptMailboxes(context: EngineContext, job: FolderJob): Promise<Set<ByteString>> {
  const found = new Set<ByteString>();
  for (const entry of job.entries.filter(({ type }) => type.includes('f'))) {
    const other = job.replica.find(
      ({ name, uniqueid }) => name === entry.name && uniqueid !== entry.uniqueid,
    );
    if (!other) continue;
    const ask = () => isMadeOfOurScripts(context, entry, other);
    if (await job.failures.read('sieve', ask, false)) found.add(other.uniqueid);
  }
  return found;
}

/** Has the store tell what became of mailboxes of the replica that are none of the job's, and of names outside of it. */
async function askOfTheirs(
  { store }: EngineContext,
  job: FolderJob,
  replica: readonly ReplicaMailbox[],
  elsewhere: readonly ReplicaMailbox[],
): Promise<void> {
  const uniqueids = theirs(job, replica);
  const names = elsewhere.map(({ name }) => name);
  if (uniqueids.length > 0 || names.length > 0) await store.refresh({ uniqueids, names });
}

/** Uniqueids of the replica's mailboxes that are none of the job's. */
function theirs(job: FolderJob, replica: readonly ReplicaMailbox[]): ByteString[] {
  const ours = new Set(job.entries.map(({ uniqueid }) => uniqueid));
  return replica.map(({ uniqueid }) => uniqueid).filter((uniqueid) => !ours.has(uniqueid));
}

/**
 * Finds what the replica still has as this user's, and what was deleted here under the name of another: of a user who was
 * renamed and then deleted, whom no run of everybody reaches. It goes there with whoever has the name now, in whose way it is.
 *
 * @throws SyncError USER_LOCKED if another client is at work on its owner
 */
function deletedOfOthers(context: EngineContext, job: FolderJob): MailboxEntry[] {
  if (!job.whole) return [];
  const found = theirs(job, job.replica)
    .map((uniqueid) => context.store.lookupUniqueid(uniqueid))
    .filter((entry) => entry !== undefined)
    .filter((entry) => !entry.deleted && entry.inDeleted && canBeOpened(context, entry.name))
    .filter(({ userid }) => userid !== undefined && userid !== job.user);
  for (const { userid = '' } of found) job.locks.take(userid);
  return replicated(context, found, job.failures);
}

/**
 * Tells what became of a mailbox of the replica. In 3.12 one that was deleted at once has no row by its uniqueid any
 * more, so that there the tombstone of the name that the replica has it under tells, if it is this one's.
 */
function fateOfMailbox(context: EngineContext, { uniqueid, name }: ReplicaMailbox): Fate {
  const { store } = context;
  const entry = store.lookupUniqueid(uniqueid);
  if (entry) return fate(context, entry);
  const before = store.lookup(name);
  return before?.deleted && before.uniqueid === uniqueid ? 'tombstone' : 'unknown';
}

function fate(context: EngineContext, entry: MailboxEntry | undefined): Fate {
  if (!entry) return 'unknown';
  if (entry.deleted) return 'tombstone';
  // A live folder is never removed for its name.
  return entry.inDeleted && !canBeOpened(context, entry.name) ? 'unopenable' : 'live';
}

function reportLeftAlone(context: EngineContext, job: FolderJob, plan: FolderPlan): void {
  for (const mailbox of plan.replicaOnly) {
    context.emit({
      kind: 'mailbox:replica-only',
      name: mailbox.name,
      uniqueid: mailbox.uniqueid,
      inDeleted: mailbox.name.includes('DELETED.'),
    });
  }
  for (const { entry, other, why } of plan.blocked) {
    const what =
      why === 'uniqueid-differs'
        ? `the replica has another mailbox of this name: uniqueid ${entry.uniqueid} here, ${other.uniqueid} there`
        : `it has to be renamed on the replica, where another mailbox (uniqueid ${other.uniqueid}) has its name`;
    context.emit({
      kind: 'mailbox:blocked',
      name: entry.name,
      command: why === 'uniqueid-differs' ? 'MAILBOX' : 'RENAME',
      uniqueid: entry.uniqueid,
      otherUniqueid: other.uniqueid,
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

/** @returns names that mailboxes did not get: what they hold must not be sent, for they are elsewhere */
async function runSteps(
  context: EngineContext,
  job: FolderJob,
  steps: readonly FolderStep[],
): Promise<ByteString[]> {
  const { local } = context.options;
  const listed = new Map(job.replica.map((mailbox) => [mailbox.name, mailbox]));
  const done = new Set<FolderStep>();
  const run = async (step: FolderStep): Promise<void> => {
    const mailbox = step.kind === 'unmailbox' ? step.name : step.newName;
    try {
      if (step.kind === 'unmailbox') {
        context.emit({ kind: 'command:unmailbox', name: step.name, local });
        await context.session.applyUnmailbox(step.name, local, listed.get(step.name));
      } else {
        const { kind: _kind, ...rename } = step;
        context.emit({ kind: 'command:rename', local, ...rename });
        await context.session.applyRename({ ...rename, local });
      }
    } catch (caught) {
      const error = SyncError.from(caught, { mailbox });
      throw step.kind === 'rename' ? await context.partitions.explain(error, step.partition, mailbox) : error;
    }
    done.add(step);
  };
  await job.failures.each('folders', context.session, steps, run);
  const scripts = await scriptRenames(context, inboxRenames(context, [...done]));
  await job.failures.each('folders', context.session, scripts, run);
  await giveUpNames(context, formerInboxes(context, [...done]));
  return steps.flatMap((step) => (step.kind === 'rename' && !done.has(step) ? [step.newName] : []));
}
