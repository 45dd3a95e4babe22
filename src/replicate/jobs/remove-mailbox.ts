import type { ByteString } from '../../byte-string.ts';
import { nameInText } from '../../report/name-in-text.ts';
import { SyncError } from '../../report/sync-error.ts';
import type { MailboxEntry } from '../../store/master-store.ts';
import type { EngineContext } from '../connection/engine-context.ts';
import { canBeOpened } from '../folders/replicated.ts';

/**
 * Sends UNMAILBOX, given proof that what the replica has under this name was deleted here: the name has a tombstone, or, where
 * there were mailboxes below it, an intermediate of the same uniqueid; and the mailbox does not live on here under another
 * name, whose renaming is yet to come.
 *
 * @throws SyncError IMAP_MAILBOX_MOVED
 */
export async function removeMailbox(context: EngineContext, name: ByteString): Promise<void> {
  const { store, session, emit, options } = context;
  const entry = store.lookup(name);
  if (entry && !entry.deleted && !entry.intermediate) return;
  if (!entry) {
    emit({ kind: 'mailbox:no-tombstone', name });
    return;
  }
  const [there] = await session.getMailboxes([name]);
  if (!there || (entry.intermediate && (there.type.includes('i') || there.uniqueid !== entry.uniqueid)))
    return;
  await store.refresh({ uniqueids: [there.uniqueid] });
  const successor = store.lookupUniqueid(there.uniqueid);
  // Deleted, under a name that the replica cannot open, it can only go there.
  const canFollow = (successor: MailboxEntry): boolean =>
    !successor.inDeleted || canBeOpened(context, successor.name);
  if (successor && successor.name !== name && !successor.deleted && canFollow(successor)) {
    const what = nameInText(successor.name);
    throw new SyncError('IMAP_MAILBOX_MOVED', `on the replica this still is what is ${what} here`, {
      phase: 'folders',
      mailbox: name,
      hint: 'it is removed once the other one has been replicated',
    });
  }
  emit({ kind: 'command:unmailbox', name, local: options.local });
  await session.applyUnmailbox(name, options.local, there);
}
