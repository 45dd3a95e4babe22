import type { ByteString } from '../../byte-string.ts';
import type { ReplicaUser } from '../../protocol/replica-session.ts';
import type { EngineContext, JobResult } from '../connection/engine-context.ts';
import { SyncLocks } from '../connection/sync-locks.ts';
import { hasInbox, requireInbox } from '../folders/require-inbox.ts';
import { syncFolders } from '../folders/sync-folders.ts';
import { allSettledOrThrow } from '../outcomes/all-settled-or-throw.ts';
import { Failures } from '../outcomes/failures.ts';
import { moveScriptFiles, scriptsAreReadable, sendScripts } from '../user-data/script-files.ts';
import { sendSeen } from '../user-data/send-seen.ts';
import { sendSieve } from '../user-data/send-sieve.ts';
import { sendSubscriptions } from '../user-data/send-subscriptions.ts';
import { inRounds } from './in-rounds.ts';

/**
 * Replicates subscriptions, seen state and scripts of one user (-s), provided that the replica has the user. Where scripts
 * are replicated as the mailbox `#sieve`, that mailbox is brought over too.
 *
 * @throws SyncError as `runUser`; IMAP_MAILBOX_NONEXISTENT, IMAP_MAILBOX_MOVED: the replica has not got this user
 */
export async function runMeta(context: EngineContext, userid: ByteString): Promise<JobResult> {
  using locks = new SyncLocks(context, [userid]);
  return await syncMeta(context, userid, locks);
}

/** Does what `runMeta` does, for a caller that holds the user's lock. */
export async function syncMeta(
  context: EngineContext,
  userid: ByteString,
  locks: SyncLocks,
): Promise<JobResult> {
  context.emit({ kind: 'user:start', user: userid, work: 'meta' });
  await context.store.refresh({ users: [userid] });
  if (!hasInbox(context, userid)) {
    context.emit({ kind: 'user:absent', user: userid });
    const gone = context.store.lookup(context.store.inboxName(userid))?.deleted === true;
    if (!gone) context.emit({ kind: 'name:absent', name: userid });
    return 'absent';
  }
  const failures = new Failures(userid);
  const [replica] = await Promise.all([context.session.getMeta(userid), requireInbox(context, userid)]);
  await allSettledOrThrow([
    sendSubscriptions(context, userid, replica, failures),
    sendSeen(context, userid, replica, failures, false),
    context.session.info.sieveMailbox
      ? syncSieveMailbox(context, userid, replica, failures, locks)
      : sendSieve(context, userid, replica, failures),
  ]);
  failures.throwIfAny();
  return 'synced';
}

async function syncSieveMailbox(
  context: EngineContext,
  userid: ByteString,
  replica: ReplicaUser,
  failures: Failures,
  locks: SyncLocks,
): Promise<void> {
  if (!(await scriptsAreReadable(context, userid, failures))) return;
  await moveScriptFiles(context, userid);
  const inbox = context.store.inboxName(userid);
  const name = `${inbox}.${context.options.sieveFolder}`;
  await inRounds(userid, `failed to sync the scripts of user ${userid}`, async (round) => {
    if (round > 1) await context.store.refresh({ users: [userid] });
    const mailboxes = await context.session.getMailboxes([inbox, name]);
    const entry = context.store.lookup(name);
    if (!entry || entry.deleted || entry.intermediate) {
      await sendScripts(context, userid, { ...replica, mailboxes }, failures);
      return 'sent';
    }
    const folders = await syncFolders(context, {
      user: userid,
      entries: [entry],
      replica: mailboxes,
      whole: false,
      logged: false,
      roots: new Set(),
      quotas: undefined,
      failures,
      locks,
      moved: undefined,
      merged: false,
    });
    if (folders === 'again') return 'again';
    await folders.finished;
    return 'sent';
  });
}
