import type { ByteString } from '../../byte-string.ts';
import type { ReplicaQuota } from '../../protocol/replica-session.ts';
import type { EngineContext, JobResult } from '../connection/engine-context.ts';
import type { SyncLocks } from '../connection/sync-locks.ts';
import { replicated } from '../folders/replicated.ts';
import { syncFolders } from '../folders/sync-folders.ts';
import { Failures } from '../outcomes/failures.ts';
import { withoutForeignScripts } from '../user-data/script-files.ts';
import { sendQuotas } from '../user-data/send-quotas.ts';
import { inRounds } from './in-rounds.ts';
import { removeUser } from './remove-user.ts';
import { userThere } from './user-there.ts';
import { wentToDeleted } from './went-to-deleted.ts';

/**
 * Follows a user who has no INBOX here any more. A tombstone in its place proves that there was one: then the replica's
 * mailboxes go the way that the master's went, each on its own evidence, and the rest of the user follows once none is
 * left. Without a tombstone it is only a name that nobody has here, and nothing is done (algorithm 3).
 *
 * @param told the log has just told of the deletion: the replica may have a quota or seen state that it tells nobody of any more
 */
export async function finishGoneUser(
  context: EngineContext,
  userid: ByteString,
  locks: SyncLocks,
  told: boolean,
): Promise<JobResult> {
  if (context.store.lookup(context.store.inboxName(userid))?.deleted !== true) {
    context.emit({ kind: 'name:absent', name: userid });
    return 'absent';
  }
  let changed = false;
  // A replica tells of a quota only as long as a mailbox has it as its root: of those that go, the first round alone hears.
  const quotasThere = new Map<ByteString, ReplicaQuota>();
  return await inRounds(userid, `failed to sync user ${userid}`, async (round) => {
    if (round > 1) await context.store.refresh({ users: [userid] });
    const failures = new Failures(userid);
    const entries = replicated(context, context.store.mailboxesOf(userid), failures);
    const { quotas, subscriptions, sieve, ...there } = await userThere(context, userid);
    const mailboxes = withoutForeignScripts(context, userid, there.mailboxes);
    // Where another client has moved the mailboxes before, these are left, and the next user of the name would have them.
    const leftOver = (told || subscriptions.length + sieve.length > 0) && wentToDeleted(context, userid);
    for (const quota of quotas) quotasThere.set(quota.root, quota);
    // Deleted ones may still be on the replica under the name that the user had before.
    if (mailboxes.length + entries.length === 0 && !changed) return 'absent';
    const folders = await syncFolders(context, {
      user: userid,
      entries,
      replica: mailboxes,
      whole: true,
      logged: false,
      roots: new Set(),
      quotas: undefined,
      failures,
      locks,
      moved: undefined,
      merged: false,
    });
    if (folders === 'again') {
      changed = true;
      return 'again';
    }
    await folders.finished;
    // Cyrus removes a user's quotas with the INBOX, also where folders are left that have them as their root.
    await sendQuotas(context, [], [...quotasThere.values()], failures);
    failures.throwIfAny();
    const deleted = new Set(entries.filter((entry) => entry.inDeleted).map((entry) => entry.uniqueid));
    const nothingLive =
      entries.length === deleted.size && mailboxes.every(({ uniqueid }) => deleted.has(uniqueid));
    // UNUSER would take live mailboxes along, so only what has none left is removed: subscriptions, seen state, quota.
    const finish = nothingLive && (changed || leftOver);
    if (finish) await removeUser(context, userid, locks, false);
    return changed || finish ? 'synced' : 'absent';
  });
}
