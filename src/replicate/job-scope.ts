import type { ByteString } from '../byte-string.ts';
import { SyncError } from '../report/sync-error.ts';
import type { MailboxEntry } from '../store/master-store.ts';
import type { EngineContext } from './engine.ts';

/** Renames change what the replica reports, and a live master moves on: look again, but not for ever. */
export const ROUNDS = 3;

export function hasInbox(context: EngineContext, userid: ByteString): boolean {
  const inbox = context.store.lookup(context.store.inboxName(userid));
  return inbox !== undefined && !inbox.deleted && !inbox.intermediate;
}

/** Without SIEVE-MAILBOX the replica refuses `#sieve`, and scripts go by their own commands. */
export function isReplicated(context: EngineContext, entry: MailboxEntry): boolean {
  return context.session.info.sieveMailbox || !entry.type.includes('f');
}

/**
 * Personal data (subscriptions, seen state, scripts) goes by the user's name alone, and Cyrus 3.6 keeps it under the
 * uniqueid of the INBOX that has the name at that moment. Sent before the INBOX is there it is out of reach when that
 * comes; where a former user of the name is still there, whose renaming or removal is yet to come, it would become theirs,
 * and nothing takes it back. So whoever sends any asks for this first.
 *
 * @throws SyncError IMAP_MAILBOX_NONEXISTENT, IMAP_MAILBOX_MOVED: the whole user has to be replicated, INBOX first
 */
export async function requireInbox({ store, session }: EngineContext, userid: ByteString): Promise<void> {
  const inbox = store.lookup(store.inboxName(userid));
  if (!inbox || inbox.deleted || inbox.intermediate) return;
  const [there] = await session.getMailboxes([inbox.name]);
  const fields = {
    phase: 'compare',
    user: userid,
    mailbox: inbox.name,
    hint: 'replicate the whole user: sync_client -u',
  } as const;
  if (!there || there.type.includes('i')) {
    throw new SyncError('IMAP_MAILBOX_NONEXISTENT', 'the replica has no INBOX of this user yet', fields);
  }
  if (there.uniqueid === inbox.uniqueid) return;
  const message = `the replica has another user of this name (INBOX ${there.uniqueid})`;
  throw new SyncError('IMAP_MAILBOX_MOVED', message, fields);
}
