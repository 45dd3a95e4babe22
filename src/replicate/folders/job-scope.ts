import type { ByteString } from '../../byte-string.ts';
import { SyncError } from '../../report/sync-error.ts';
import type { MailboxEntry } from '../../store/master-store.ts';
import type { EngineContext } from '../connection/engine-context.ts';
import type { Failures } from '../outcomes/failures.ts';

export function hasInbox(context: EngineContext, userid: ByteString): boolean {
  const inbox = context.store.lookup(context.store.inboxName(userid));
  return inbox !== undefined && !inbox.deleted && !inbox.intermediate;
}

/**
 * Those that the replica takes. Without SIEVE-MAILBOX it refuses `#sieve`, and scripts go by their own commands. A mailbox
 * whose name it cannot open is left out, and said: that of a deleted folder may be too long because Cyrus made it longer,
 * and Cyrus itself cannot open it either.
 */
export function replicated(
  context: EngineContext,
  entries: readonly MailboxEntry[],
  failures: Failures,
): MailboxEntry[] {
  return entries.filter((entry) => {
    if (!context.session.info.sieveMailbox && entry.type.includes('f')) return false;
    if (canBeOpened(context, entry.name)) return true;
    const { name, inDeleted } = entry;
    const reason = `its name has ${name.length} octets, and the replica opens none of more than ${context.session.info.longestName}`;
    context.emit({
      kind: 'notice',
      level: inDeleted ? 'notice' : 'error',
      text: `left out: ${name}: ${reason}`,
    });
    if (!inDeleted) {
      const hint = 'give the folder a shorter name';
      failures.add('folders', new SyncError('IMAP_MAILBOX_NOTSUPPORTED', reason, { hint }), name);
    }
    return false;
  });
}

/** A replica that is asked for a mailbox by a name that it can only store is stopped by an assertion of its own. */
export function canBeOpened({ session }: EngineContext, name: ByteString): boolean {
  return name.length <= session.info.longestName;
}

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

/** What `requireInbox` requires. */
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
