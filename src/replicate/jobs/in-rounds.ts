import type { ByteString } from '../../byte-string.ts';
import { SyncError } from '../../report/sync-error.ts';

/** Renames change what the replica reports, and a live master moves on: look again, but not for ever. */
const ROUNDS = 3;

/**
 * Looks again as long as a round changed something that the next one has to see, but not for ever.
 *
 * @param user whom the error is reported of
 * @param failure what to say in the end: `failed to sync user anna`
 * @throws SyncError IMAP_SYNC_CHANGED
 */
export async function inRounds<T>(
  user: ByteString,
  failure: string,
  round: (times: number) => Promise<T | 'again'>,
): Promise<T> {
  for (let times = 1; times <= ROUNDS; times++) {
    const outcome = await round(times);
    if (outcome !== 'again') return outcome;
  }
  throw new SyncError('IMAP_SYNC_CHANGED', `${failure} after ${ROUNDS} tries`, {
    user,
    phase: 'folders',
    hint: 'these mailboxes change while they are being replicated; run again',
    retryable: true,
  });
}
