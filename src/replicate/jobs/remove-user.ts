import type { ByteString } from '../../byte-string.ts';
import { nameInText } from '../../report/name-in-text.ts';
import { SyncError } from '../../report/sync-error.ts';
import type { MailboxEntry } from '../../store/master-store.ts';
import type { EngineContext } from '../connection/engine-context.ts';
import type { SyncLocks } from '../connection/sync-locks.ts';
import { giveUpNames } from '../folders/give-up-names.ts';
import { hasInbox, inboxHasArrived } from '../folders/require-inbox.ts';
import { removeAllButDeleted } from './remove-all-but-deleted.ts';
import { syncMeta } from './run-meta.ts';
import { userThere } from './user-there.ts';

/**
 * Sends UNUSER for a user who has no INBOX here, then calls `restoreHeirs`.
 *
 * @param renamed true if the user may live on under another name, even if nothing here says so any more
 * @throws SyncError IMAP_MAILBOX_MOVED if that would remove mailboxes that live on here
 */
export async function removeUser(
  context: EngineContext,
  userid: ByteString,
  locks: SyncLocks,
  renamed: boolean,
): Promise<void> {
  const [moved] = await livingUnder(context, userid);
  if (moved) {
    throw new SyncError(
      'IMAP_MAILBOX_MOVED',
      `on the replica this user still has what is ${nameInText(moved.name)} here`,
      {
        phase: 'folders',
        user: userid,
        hint: 'the user is removed once that mailbox has been replicated',
      },
    );
  }
  const heirs = await heirsOf(context, userid);
  for (const heir of heirs) locks.take(heir);
  if (renamed || heirs.length > 0) await giveUpNames(context, [context.store.inboxName(userid)]);
  if (context.session.info.unuserTakesDeleted) await removeAllButDeleted(context, userid);
  else await context.session.applyUnuser(userid);
  await restoreHeirs(context, heirs, locks);
}

/**
 * Finds mailboxes that live on here, under whatever name, and that the replica has under the name of this user: UNUSER
 * would take them along. It leaves alone what is in the DELETED namespace there, and so does this.
 */
export async function livingUnder(context: EngineContext, userid: ByteString): Promise<MailboxEntry[]> {
  const { store } = context;
  const inbox = store.inboxName(userid);
  const { mailboxes } = await userThere(context, userid);
  const uniqueids = mailboxes
    .filter(({ name }) => name === inbox || name.startsWith(`${inbox}.`))
    .map(({ uniqueid }) => uniqueid);
  await store.refresh({ uniqueids });
  return uniqueids
    .map((uniqueid) => store.lookupUniqueid(uniqueid))
    .filter((entry) => entry !== undefined)
    .filter((entry) => !entry.deleted);
}

/**
 * Cyrus 3.6 keeps subscriptions and seen state under the uniqueid of the INBOX, which a renamed user takes along: with
 * the old name a replica removes the data of the new one too, unless `giveUpNames` came before it. So they are sent again
 * to whoever may have that INBOX now. An heir whom the replica has not got yet has lost nothing there, and is sent
 * everything with the INBOX.
 */
export async function restoreHeirs(
  context: EngineContext,
  heirs: Iterable<ByteString>,
  locks: SyncLocks,
): Promise<void> {
  for (const heir of heirs) {
    if (hasInbox(context, heir) && (await inboxHasArrived(context, heir)))
      await syncMeta(context, heir, locks);
  }
}

/**
 * Finds who has an INBOX that was once this user's: by the row of the name here, and, since the name may have been used
 * again after that and the replica's row be of any time before, by what each mailbox was called.
 */
async function heirsOf({ store }: EngineContext, userid: ByteString): Promise<ByteString[]> {
  const inbox = store.inboxName(userid);
  const uniqueid = store.lookup(inbox)?.uniqueid;
  if (uniqueid) await store.refresh({ uniqueids: [uniqueid] });
  const successor = uniqueid ? store.lookupUniqueid(uniqueid) : undefined;
  const names = [...(successor ? [successor.name] : []), ...(await store.livingOnceCalled(inbox))];
  const heirs = new Set(names.map((name) => store.ownerOf(name)));
  heirs.delete(userid);
  return [...heirs].filter((heir) => heir !== undefined);
}
