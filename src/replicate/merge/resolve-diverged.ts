/**
 * The door of `replicate/merge`. Here a mailbox that changed on both sides is made one again: `mergeRecords` decides, pure,
 * and each side gets an ordinary delta, as a rule the replica first. It is the only sub-room that writes to the master, through its
 * own server (`MasterWriter`), and never under `-O`. It can be interrupted anywhere and run again without a second copy of
 * a message, and nothing is removed on either side before what replaces it is there.
 */

import type { ReplicaMailbox } from '../../protocol/replica-session.ts';
import type { DivergedReason, MergeRule } from '../../report/events.ts';
import { SyncError } from '../../report/sync-error.ts';
import type { IndexRecord, MailboxState } from '../../store/master-store.ts';
import { checkSame, checkSameThere } from '../compare/check-same.ts';
import { compareMailbox } from '../compare/compare-mailbox.ts';
import { mailboxWithout } from '../compare/left-out.ts';
import { isExpunged } from '../compare/same-record.ts';
import { withUnreadAsThere } from '../compare/with-unread-as-there.ts';
import type { EngineContext } from '../connection/engine-context.ts';
import type { MailboxTask } from '../connection/mailbox-task.ts';
import { LEAST_BUDGET_RECORDS } from '../connection/stage.ts';
import { applyMerge } from './apply-merge.ts';
import { checkSensible } from './check-sensible.ts';
import { confirmAgreement } from './confirm-agreement.ts';
import { type KnownDamage, mergeReadable } from './merge-readable.ts';
import type { Merge } from './merge-records.ts';
import { raiseCounter } from './raise-counter.ts';
import { masterRecords, replicaRecords } from './record-lists.ts';

/** Attempts at a merge: both sides may be written to meanwhile, but hardly every time. */
const ATTEMPTS = 4;
/** Rules that nobody on the replica gave cause for, where the master has cleaned up what it would have been told of. */
const MASTER_ALONE: ReadonlySet<MergeRule> = new Set([
  'sent',
  'master-kept',
  'expunged-on-master',
  'replica-expunged',
]);

/**
 * Brings a mailbox that has diverged to agreement: both record lists are merged by the decision table, then each side
 * gets what it lacks as an ordinary forward delta, as a rule the replica first, the master through its own server.
 *
 * Safe to interrupt anywhere: a message is on a side before the record that names it, nothing is removed before its
 * replacement is there, and the merge recognises what an earlier attempt has done. A change made by someone else in
 * between is noticed by SINCE on either side and makes it start over.
 *
 * @returns undefined if both sides agree; what the replica has now if the master's was changed again meanwhile
 * @throws SyncError CONFLICT if the master would have to be written to and may not be, or if both sides still differ
 */
export async function resolveDiverged(
  context: EngineContext,
  task: MailboxTask,
  reason: DivergedReason,
  detail: string,
): Promise<ReplicaMailbox | undefined> {
  if (reason === 'xconvmodseq-higher-on-replica' && (await raiseCounter(context, task))) return undefined;
  context.emit({ kind: 'mailbox:diverged', name: task.entry.name, reason, detail });
  // All records of both sides are in memory: so no more mailboxes are merged at once than the budget allows.
  const { messages } = context.store.estimateMailbox(task.entry);
  using _budget = await context.stage.budget(Math.max(LEAST_BUDGET_RECORDS, messages));
  const damage: KnownDamage = { leftOut: new Map(), readAll: false };
  for (let attempt = 1; ; attempt++) {
    try {
      const { merged, overtakenBy } = await mergeOnce(context, task, reason, detail, damage, attempt > 1);
      if (merged) task.onMerged();
      return overtakenBy;
    } catch (caught) {
      const error = SyncError.from(caught);
      if (error.damage && !damage.readAll) {
        damage.readAll = true;
        continue;
      }
      if (error.code !== 'IMAP_SYNC_CHANGED' || attempt === ATTEMPTS) throw error;
    }
  }
}

interface Merged {
  /** false: there was nothing to merge but for what is left out. */
  merged: boolean;
  /** The state of the replica now, where the master's side was changed again meanwhile. */
  overtakenBy?: ReplicaMailbox | undefined;
}

/**
 * @param overtaken the mailbox was changed in the middle of the attempt before. Its master's side has then to be written to
 *   as soon as it was looked at, before the replica is waited for, and the messages found by that look are kept.
 */
async function mergeOnce(
  context: EngineContext,
  task: MailboxTask,
  reason: DivergedReason,
  detail: string,
  damage: KnownDamage,
  overtaken: boolean,
): Promise<Merged> {
  const { session, options } = context;
  const { name } = task.entry;
  context.emit({ kind: 'command:fullmailbox', name });
  const { remote, records: theirs } = await replicaRecords(session, name);
  checkSameThere(remote, task.entry);

  const guidsThere = new Set(theirs.map(({ guid }) => guid));
  const local = await context.store.readMailbox(name, (mailbox) => {
    checkSame(mailbox, task.entry);
    const { messages } = mailbox;
    const records = masterRecords(mailbox);
    const unknown = (record: IndexRecord): boolean => !isExpunged(record) && !guidsThere.has(record.guid);
    const kept = overtaken ? messages.keepFiles(records.filter(unknown)) : undefined;
    return { ...withUnreadAsThere(mailbox, remote), messages, records, kept };
  });
  if (local === undefined) return { merged: true };
  using _kept = local.kept;
  const { state, records, messages } = local;
  task.onState(state);
  checkSensible(state, remote, theirs, 'nothing was changed on either side');

  const { lastUid, highestmodseq } = remote;
  const there = { lastUid, highestmodseq, records: theirs };
  const { merge, ours, leftOut } = await mergeReadable(state, records, messages, there, damage);
  task.onLeftOut([...damage.leftOut.values()]);
  if (leftOut.length > 0) {
    const { kind } = compareMailbox(mailboxWithout(local, leftOut), remote, options);
    if (kind === 'unchanged') return { merged: false };
  }
  const masterChanges = mustWriteMaster(merge, state, remote);
  const mayWrite = !options.noCopyback && context.master !== undefined;
  if (masterChanges && !mayWrite) throw leftAlone(task, reason, detail, options.noCopyback);
  // A counter that a move from another user's namespace leaves behind: no mail depends on it.
  const counterBehind = state.xconvmodseq !== 0 && remote.xconvmodseq > state.xconvmodseq;
  // Before anything is changed anywhere: half a merge would have to be finished by somebody.
  const master = (masterChanges || counterBehind) && mayWrite ? await context.master?.connect() : undefined;
  for (const { rule, ...decision } of merge.decided) {
    // Forward as in any delta: there may be very many of these, and nobody has to know.
    if (rule !== 'sent') context.emit({ kind: 'message:merged', name, rule, ...decision });
  }

  await applyMerge(context, task, { local, remote, merge, ours, theirs }, master, overtaken);
  const isBehind =
    reason === 'cleaned-up-on-master' && merge.decided.every(({ rule }) => MASTER_ALONE.has(rule));
  // Where the replica differed in what is left out alone, or had not heard of what is cleaned up, nobody had changed it.
  if (master || (leftOut.length === 0 && !isBehind)) {
    context.emit({ kind: 'mailbox:merged', name, changed: master ? 'both' : 'replica' });
  }
  const told = { unwritten: master ? undefined : local, highestmodseq: merge.highestmodseq };
  return { merged: true, overtakenBy: await confirmAgreement(context, task, told, leftOut) };
}

/** Tells whether the master has to change: a side that already is what it would be told is not written to. */
function mustWriteMaster(merge: Merge, state: MailboxState, remote: ReplicaMailbox): boolean {
  return (
    merge.toMaster.length > 0 ||
    merge.lastUid !== state.lastUid ||
    merge.highestmodseq !== state.highestmodseq ||
    remote.uidvalidity > state.uidvalidity
  );
}

function leftAlone(
  task: MailboxTask,
  reason: DivergedReason,
  detail: string,
  noCopyback: boolean,
): SyncError {
  if (noCopyback) {
    return new SyncError('IMAP_SYNC_CHECKSUM', `the replica has diverged (${reason}): ${detail}`, {
      family: 'refused',
      phase: 'compare',
      mailbox: task.entry.name,
      hint: 'with -O the master is never changed; run without -O to have both sides merged',
    });
  }
  return new SyncError('CONFLICT', `the replica has diverged (${reason}): ${detail}`, {
    phase: 'compare',
    mailbox: task.entry.name,
    hint: `${untouched(reason)}; allow a server for the master in the settings (master = private) and run again to have both sides merged`,
  });
}

/** A replica that compares checksums does so last, with the change already made (protocol 8). */
function untouched(reason: DivergedReason): string {
  return reason === 'checksum-refused'
    ? 'the master was not changed, the replica has only taken what is newer here'
    : 'nothing was changed on either side';
}
