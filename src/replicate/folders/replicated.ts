import type { ByteString } from '../../byte-string.ts';
import { SyncError } from '../../report/sync-error.ts';
import type { MailboxEntry } from '../../store/master-store.ts';
import type { EngineContext } from '../connection/engine-context.ts';
import type { Failures } from '../outcomes/failures.ts';

/**
 * Selects the mailboxes that the replica takes. Without SIEVE-MAILBOX it refuses `#sieve`, and scripts go by their own
 * commands; mailboxes of JMAP notifications it has not got at all before 3.8, and 3.6 ends at one. A mailbox whose name it cannot open is left out, and reported: the name of a deleted folder may be too long
 * because Cyrus made it longer, and Cyrus itself cannot open it either.
 */
export function replicated(
  context: EngineContext,
  entries: readonly MailboxEntry[],
  failures: Failures,
): MailboxEntry[] {
  return entries.filter((entry) => {
    if (!takesType(context, entry.type)) {
      if (isOfNotifications(entry.type)) context.emit({ kind: 'mailbox:unknown-there', name: entry.name });
      return false;
    }
    if (canBeOpened(context, entry.name)) return true;
    const { name, inDeleted } = entry;
    const { longestName } = context.session.info;
    context.emit({ kind: 'mailbox:name-too-long', name, longestName, inDeleted });
    if (!inDeleted) {
      const reason = `its name has ${name.length} octets, and the replica opens none of more than ${longestName}`;
      const hint = 'give the folder a shorter name';
      failures.add('folders', new SyncError('IMAP_MAILBOX_NOTSUPPORTED', reason, { hint }), name);
    }
    return false;
  });
}

/** @param type letters of MBOXTYPE */
export function takesType({ session }: EngineContext, type: string): boolean {
  const { sieveMailbox, takesNotifications } = session.info;
  return (sieveMailbox || !type.includes('f')) && (takesNotifications || !isOfNotifications(type));
}

function isOfNotifications(type: string): boolean {
  return type.includes('j');
}

/** A replica that is asked for a mailbox by a name that it can only store is stopped by an assertion of its own. */
export function canBeOpened({ session }: EngineContext, name: ByteString): boolean {
  return name.length <= session.info.longestName;
}
