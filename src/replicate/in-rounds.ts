import type { ByteString } from '../byte-string.ts';
import { SyncError } from '../report/sync-error.ts';
import { ROUNDS } from './job-scope.ts';

/**
 * Looks again as long as a round changed something that the next one has to see, but not for ever.
 *
 * @param user whom the error is reported of
 * @param what `user anna`
 * @throws SyncError IMAP_SYNC_CHANGED
 */
export async function inRounds<T>(
  user: ByteString,
  what: string,
  round: () => Promise<T | 'again'>,
): Promise<T> {
  for (let times = 1; times <= ROUNDS; times++) {
    const outcome = await round();
    if (outcome !== 'again') return outcome;
  }
  throw new SyncError('IMAP_SYNC_CHANGED', `failed to sync ${what} after ${ROUNDS} tries`, {
    user,
    phase: 'folders',
    hint: 'the folders of this user change while they are being replicated; run again',
    retryable: true,
  });
}
