import type { ByteString } from '../../byte-string.ts';
import { SyncError } from '../../report/sync-error.ts';
import type { MailboxEntry } from '../../store/master-store.ts';
import type { EngineContext } from '../connection/engine-context.ts';
import type { Failures } from '../outcomes/failures.ts';

/**
 * Selects the mailboxes that the replica takes. Without SIEVE-MAILBOX it refuses `#sieve`, and scripts go by their own
 * commands. A mailbox whose name it cannot open is left out, and reported: the name of a deleted folder may be too long
 * because Cyrus made it longer, and Cyrus itself cannot open it either.
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

/** A replica that is asked for a mailbox by a name that it can only store is stopped by an assertion of its own. */
export function canBeOpened({ session }: EngineContext, name: ByteString): boolean {
  return name.length <= session.info.longestName;
}
