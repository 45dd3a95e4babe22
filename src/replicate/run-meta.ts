import type { ByteString } from '../byte-string.ts';
import type { EngineContext, JobResult } from './engine.ts';
import { Failures } from './failures.ts';
import { hasInbox } from './job-scope.ts';
import { sendSeen, sendSieve, sendSubscriptions } from './send-user-data.ts';
import { settle } from './settle.ts';
import { syncFolders } from './sync-folders.ts';
import { SyncLocks } from './sync-locks.ts';

/**
 * Subscriptions, seen state and sieve scripts of one user (-s). Where scripts are replicated as the mailbox `#sieve`,
 * that mailbox is brought over too, provided that the replica has the user.
 */
export async function runMeta(context: EngineContext, userid: ByteString): Promise<JobResult> {
  using locks = new SyncLocks(context, [userid]);
  return await syncMeta(context, userid, locks);
}

/** The same for a caller that holds the user's lock. */
export async function syncMeta(
  context: EngineContext,
  userid: ByteString,
  locks: SyncLocks,
): Promise<JobResult> {
  context.emit({ kind: 'user:start', user: userid, work: 'meta' });
  if (!hasInbox(context, userid)) {
    context.emit({ kind: 'user:absent', user: userid });
    return 'absent';
  }
  const failures = new Failures(userid);
  const replica = await context.session.getMeta(userid);
  await settle([
    sendSubscriptions(context, userid, replica, failures),
    sendSeen(context, userid, replica, failures),
    context.session.info.sieveMailbox
      ? syncSieveMailbox(context, userid, failures, locks)
      : sendSieve(context, userid, replica, failures),
  ]);
  failures.throwIfAny();
  return 'synced';
}

async function syncSieveMailbox(
  context: EngineContext,
  userid: ByteString,
  failures: Failures,
  locks: SyncLocks,
): Promise<void> {
  const inbox = context.store.inboxName(userid);
  const name = `${inbox}.${context.options.sieveFolder}`;
  const entry = context.store.lookup(name);
  if (!entry || entry.deleted || entry.intermediate) return;
  const replica = await context.session.getMailboxes([inbox, name]);
  if (!replica.some((mailbox) => mailbox.name === inbox)) return;
  const folders = await syncFolders(context, {
    user: userid,
    entries: [entry],
    replica,
    whole: false,
    roots: new Set(),
    failures,
    locks,
    moved: false,
  });
  if (folders !== 'again') await folders.finished;
}
