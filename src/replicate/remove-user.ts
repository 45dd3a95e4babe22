import type { ByteString } from '../byte-string.ts';
import type { EngineContext } from './engine.ts';
import { hasInbox } from './job-scope.ts';
import { syncMeta } from './run-meta.ts';
import type { SyncLocks } from './sync-locks.ts';

/**
 * UNUSER for a user who has no INBOX here. Cyrus 3.6 keeps subscriptions and seen state under the uniqueid of the
 * INBOX, which a renamed user takes along: with the old name a replica removes the data of the new one too. So whoever
 * has that INBOX now is given it again.
 *
 * @throws SyncError USER_LOCKED
 */
export async function removeUser(
  context: EngineContext,
  userid: ByteString,
  locks: SyncLocks,
): Promise<void> {
  const { store, session } = context;
  const uniqueid = store.lookup(store.inboxName(userid))?.uniqueid;
  const successor = uniqueid ? store.lookupUniqueid(uniqueid) : undefined;
  const heir = successor && store.ownerOf(successor.name);
  const inherits = heir !== undefined && heir !== userid && hasInbox(context, heir);
  if (inherits) locks.take(heir);
  await session.applyUnuser(userid);
  if (inherits) await syncMeta(context, heir, locks);
}
