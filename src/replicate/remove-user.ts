import type { ByteString } from '../byte-string.ts';
import type { EngineContext } from './engine.ts';
import { giveUpNames } from './former-name.ts';
import { hasInbox } from './job-scope.ts';
import { syncMeta } from './run-meta.ts';
import type { SyncLocks } from './sync-locks.ts';

/**
 * UNUSER of a user who has no INBOX here, and `restoreHeirs`.
 *
 * @param renamed it may be that the user lives on under another name, even if nothing here says so any more
 * @throws SyncError
 */
export async function removeUser(
  context: EngineContext,
  userid: ByteString,
  locks: SyncLocks,
  renamed: boolean,
): Promise<void> {
  const heirs = heirsOf(context, userid);
  for (const heir of heirs) locks.take(heir);
  if (renamed || heirs.length > 0) await giveUpNames(context, [context.store.inboxName(userid)]);
  await context.session.applyUnuser(userid);
  await restoreHeirs(context, heirs, locks);
}

/**
 * Cyrus 3.6 keeps subscriptions and seen state under the uniqueid of the INBOX, which a renamed user takes along: with
 * the old name a replica removes the data of the new one too, unless `giveUpNames` came before it. So they are sent again
 * to whoever may have that INBOX now.
 */
export async function restoreHeirs(
  context: EngineContext,
  heirs: Iterable<ByteString>,
  locks: SyncLocks,
): Promise<void> {
  for (const heir of heirs) {
    if (hasInbox(context, heir)) await syncMeta(context, heir, locks);
  }
}

function heirsOf({ store }: EngineContext, userid: ByteString): ByteString[] {
  const uniqueid = store.lookup(store.inboxName(userid))?.uniqueid;
  const successor = uniqueid ? store.lookupUniqueid(uniqueid) : undefined;
  const heir = successor && store.ownerOf(successor.name);
  return heir === undefined || heir === userid ? [] : [heir];
}
