import type { ReplicaSession } from '../protocol/replica-session.ts';
import { SyncError } from '../report/sync-error.ts';
import type { PlannedMailbox } from './planned-replica.ts';

/** Records that are looked through for one question: some seconds, and as many octets as a small user's mail. */
const MOST_RECORDS = 200_000;

/**
 * The messages among `guids` that the folders do not have, found by reading their lists, which changes nothing there.
 *
 * `unsure`: the replica may have more of them. An expunged message may have its file still, which a list does not say; and
 * lists that are very long are not asked for.
 */
export async function findReserved(
  session: Pick<ReplicaSession, 'getFullMailbox'>,
  folders: readonly PlannedMailbox[],
  guids: readonly string[],
): Promise<{ missing: Set<string>; unsure: boolean }> {
  const missing = new Set(guids);
  const expunged = new Set<string>();
  let records = 0;
  let unread = false;
  for (const { nameNow, mailbox } of folders) {
    if (missing.size === 0) break;
    if (nameNow === undefined || mailbox.lastUid === 0) continue;
    records += mailbox.lastUid;
    if (records > MOST_RECORDS) {
      unread = true;
      break;
    }
    try {
      await session.getFullMailbox(nameNow, ({ guid, flags }) => {
        if (flags.includes('\\Expunged')) expunged.add(guid);
        else missing.delete(guid);
      });
    } catch (caught) {
      // A folder that cannot be read there gives nothing in a run either.
      if (SyncError.from(caught).family !== 'refused') throw caught;
    }
  }
  const unsure = missing.size > 0 && (unread || [...missing].some((guid) => expunged.has(guid)));
  return { missing, unsure };
}
