/**
 * The door of `replicate/jobs`. Here is what a connection is asked to do: a user, named mailboxes, personal data, the
 * actions of a unit of a sync log, and what becomes of users who are gone. A job may use all sub-rooms below, and knows the
 * master and the replica by their interfaces alone. It takes the sync locks of all its users at once or is refused with
 * USER_LOCKED, looks again in rounds as long as something changed, and ends with the first failure after all that does not
 * depend on it was done. Whatever it ends with, no command that changes the replica's mailboxes is under way by then.
 */

import type { ByteString } from '../../byte-string.ts';
import type { ReplicaMailbox, ReplicaQuota, ReplicaUser } from '../../protocol/replica-session.ts';
import type { EngineContext, JobResult } from '../connection/engine-context.ts';
import { SyncLocks } from '../connection/sync-locks.ts';
import type { FolderJob } from '../folders/folder-job.ts';
import { replicated } from '../folders/replicated.ts';
import { hasInbox } from '../folders/require-inbox.ts';
import { syncFolders } from '../folders/sync-folders.ts';
import { Unusable } from '../folders/unusable.ts';
import { allSettledOrThrow } from '../outcomes/all-settled-or-throw.ts';
import { Failures } from '../outcomes/failures.ts';
import {
  comparable,
  moveScriptFiles,
  scriptsAreReadable,
  sendScripts,
  withoutScriptMailbox,
} from '../user-data/script-files.ts';
import { sendQuotas } from '../user-data/send-quotas.ts';
import { sendSeen } from '../user-data/send-seen.ts';
import { sendSubscriptions } from '../user-data/send-subscriptions.ts';
import { finishGoneUser } from './finish-gone-user.ts';
import { inRounds } from './in-rounds.ts';
import { userThere } from './user-there.ts';

/**
 * Replicates everything of one user: folders and their messages, quota, subscriptions, seen state, scripts (algorithm 3).
 *
 * @throws SyncError USER_LOCKED if another client is at work on the user; the first failure otherwise, after everything
 *   else of the user was done
 */
export async function runUser(context: EngineContext, userid: ByteString): Promise<JobResult> {
  using locks = new SyncLocks(context, [userid]);
  return await syncUser(context, userid, locks);
}

/**
 * Does what `runUser` does, for a caller that holds the user's lock.
 *
 * @param renewed the log tells that the name was another user's before
 */
export async function syncUser(
  context: EngineContext,
  userid: ByteString,
  locks: SyncLocks,
  renewed = false,
): Promise<JobResult> {
  context.emit({ kind: 'user:start', user: userid, work: 'user' });
  await context.store.refresh({ users: [userid] });
  if (!hasInbox(context, userid)) {
    context.emit({ kind: 'user:absent', user: userid });
    return await finishGoneUser(context, userid, locks, false);
  }
  let moved: ReadonlySet<ByteString> | undefined;
  let lookedAgain = false;
  const quotasThere = new Map<ByteString, ReplicaQuota>();
  return await inRounds(userid, `failed to sync user ${userid}`, async (round) => {
    const failures = new Failures(userid);
    const unusable = new Unusable(failures);
    if (round > 1) await context.store.refresh({ users: [userid] });
    const replica = await userThere(context, userid, unusable.add);
    for (const quota of replica.quotas) quotasThere.set(quota.root, quota);
    const scripts = await scriptsAreReadable(context, userid, failures);
    if (scripts) await moveScriptFiles(context, userid);
    const job: FolderJob = {
      user: userid,
      entries: unusable.without(replicated(context, context.store.mailboxesOf(userid), failures)),
      replica: (scripts ? comparable : withoutScriptMailbox)(context, userid, replica.mailboxes),
      whole: true,
      logged: false,
      roots: new Set(),
      quotas: quotasThere,
      failures,
      locks,
      moved,
      merged: false,
    };
    const folders = await syncFolders(context, job);
    if (folders === 'again') return 'again';
    let hasInboxNow = false;
    const besideFolders = async (): Promise<void> => {
      const inPlace = hasInboxThere(context, userid, replica.mailboxes);
      const there = inPlace ? replica : await askAgain(context, userid, replica, folders.finished);
      if (!there) return;
      hasInboxNow = true;
      const behindFolders = async (): Promise<void> => {
        await folders.finished;
        if (scripts) await sendScripts(context, userid, there, failures);
        // Roots are complete now, and the mailboxes that the replica goes through for a new one are there.
        // A quota outlives its mailboxes: of those that a former user of the name had, only an earlier round has heard.
        for (const quota of there.quotas)
          if (!quotasThere.has(quota.root)) quotasThere.set(quota.root, quota);
        await sendQuotas(context, job.roots, [...quotasThere.values()], failures);
      };
      await allSettledOrThrow([
        behindFolders(),
        sendSubscriptions(context, userid, there, failures),
        sendSeen(context, userid, there, failures, renewed || !inPlace),
      ]);
    };
    await allSettledOrThrow([folders.finished, besideFolders()]);
    if (failures.anyMoved && !moved) {
      moved = failures.movedThere;
      return 'again';
    }
    failures.throwIfAny();
    // A merge may have moved what the replica counts for other folders, which one further look brings into line.
    if (job.merged && context.options.conversations && !lookedAgain) {
      lookedAgain = true;
      return 'again';
    }
    return hasInboxNow ? 'synced' : 'again';
  });
}

/**
 * Tells whether the INBOX of this name on the replica is the user's. Otherwise it is that of a former user of the name, who
 * has been renamed or deleted here since: seen state given to that one would stay for ever, because nothing in the protocol
 * takes it away again.
 */
function hasInboxThere(
  { store }: EngineContext,
  userid: ByteString,
  mailboxes: readonly ReplicaMailbox[],
): boolean {
  const name = store.inboxName(userid);
  const there = mailboxes.find((mailbox) => mailbox.name === name && !mailbox.type.includes('i'));
  return there !== undefined && there.uniqueid === store.lookup(name)?.uniqueid;
}

/**
 * Asks what the replica has of the user besides mailboxes, once the INBOX that was not there before has arrived. Cyrus 3.6
 * keeps such data under the uniqueid of the INBOX, and without an INBOX under the user's name, where it is out of reach
 * later. So what was listed before says nothing, and nothing is sent without an INBOX.
 *
 * @param finished when all that is sent of the folders is answered
 * @returns undefined if the INBOX did not arrive
 */
async function askAgain(
  context: EngineContext,
  userid: ByteString,
  before: ReplicaUser,
  finished: Promise<void>,
): Promise<ReplicaUser | undefined> {
  const { session, store } = context;
  const answers = Promise.all([session.getMailboxes([store.inboxName(userid)]), session.getMeta(userid)]);
  await allSettledOrThrow([finished, answers.then(() => undefined)]);
  const [mailboxes, { seen, subscriptions, sieve }] = await answers;
  if (!hasInboxThere(context, userid, mailboxes)) return undefined;
  const quotas = mailboxes.flatMap(({ quotaroot }) =>
    quotaroot === undefined ? [] : [unknownQuota(quotaroot)],
  );
  return { ...before, seen, subscriptions, sieve, quotas };
}

/** A quota that was there before its mailbox, which tells of it without its limits: they are those of no other. */
function unknownQuota(root: ByteString): ReplicaQuota {
  const unknown = Number.NaN;
  return { root, storage: unknown, messages: unknown, annotationStorage: unknown, folders: unknown };
}
