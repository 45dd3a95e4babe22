import type { ByteString } from '../../byte-string.ts';
import { SyncError } from '../../report/sync-error.ts';
import type { EngineContext } from '../connection/engine-context.ts';

/**
 * Personal data (subscriptions, seen state, scripts) goes by the user's name alone, and Cyrus 3.6 keeps it under the
 * uniqueid of the INBOX that has the name at that moment. Sent before the INBOX is there it is out of reach when that
 * comes; where a former user of the name is still there, whose renaming or removal is yet to come, it would become theirs,
 * and nothing takes it back. So whoever sends any asks for this first.
 *
 * @throws SyncError IMAP_MAILBOX_NONEXISTENT, IMAP_MAILBOX_MOVED: the whole user has to be replicated, INBOX first
 */
export async function requireInbox(context: EngineContext, userid: ByteString): Promise<void> {
  const missing = await missingInbox(context, userid);
  if (missing) throw missing;
}

/** Tells whether `requireInbox` would pass. */
export async function inboxHasArrived(context: EngineContext, userid: ByteString): Promise<boolean> {
  return (await missingInbox(context, userid)) === undefined;
}

async function missingInbox(
  { store, session }: EngineContext,
  userid: ByteString,
): Promise<SyncError | undefined> {
  const inbox = store.lookup(store.inboxName(userid));
  if (!inbox || inbox.deleted || inbox.intermediate) return undefined;
  const [there] = await session.getMailboxes([inbox.name]);
  const fields = {
    phase: 'compare',
    user: userid,
    mailbox: inbox.name,
    hint: 'replicate the whole user: sync_client -u',
  } as const;
  if (!there || there.type.includes('i')) {
    return new SyncError('IMAP_MAILBOX_NONEXISTENT', 'the replica has no INBOX of this user yet', fields);
  }
  if (there.uniqueid === inbox.uniqueid) return undefined;
  const message = `the replica has another user of this name (INBOX ${there.uniqueid})`;
  return new SyncError('IMAP_MAILBOX_MOVED', message, fields);
}

export function hasInbox(context: EngineContext, userid: ByteString): boolean {
  const inbox = context.store.lookup(context.store.inboxName(userid));
  return inbox !== undefined && !inbox.deleted && !inbox.intermediate;
}
