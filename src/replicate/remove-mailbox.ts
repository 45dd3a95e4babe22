import type { ByteString } from '../byte-string.ts';
import { SyncError } from '../report/sync-error.ts';
import type { EngineContext } from './engine.ts';

/**
 * UNMAILBOX, with proof that what the replica has under this name was deleted here: a tombstone of the name, and not a
 * mailbox that lives on here under another one, whose renaming is yet to come.
 *
 * @throws SyncError IMAP_MAILBOX_MOVED
 */
export async function removeMailbox(
  { store, session, emit, options }: EngineContext,
  name: ByteString,
): Promise<void> {
  const entry = store.lookup(name);
  if (entry && !entry.deleted) return;
  if (!entry) {
    emit({
      kind: 'notice',
      level: 'notice',
      text: `SYNCNOTICE: attempt to UNMAILBOX without a tombstone ${name}`,
    });
    return;
  }
  const [there] = await session.getMailboxes([name]);
  if (!there) return;
  const successor = store.lookupUniqueid(there.uniqueid);
  if (successor && !successor.deleted) {
    throw new SyncError('IMAP_MAILBOX_MOVED', `on the replica this still is what is ${successor.name} here`, {
      phase: 'folders',
      mailbox: name,
      hint: 'it is removed once the other one has been replicated',
    });
  }
  emit({ kind: 'command:unmailbox', name, local: options.local });
  await session.applyUnmailbox(name, options.local);
}
