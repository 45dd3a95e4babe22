import { type ErrorCode, SyncError } from '../../report/sync-error.ts';

/**
 * Awaits a command of a merge. One that is refused with one of these codes was right when it was made: SINCE tells when
 * somebody has changed the mailbox since; what else a server compares may have moved without that (XCONVMODSEQ goes with
 * any folder of a conversation), and what it was asked for may have been removed.
 *
 * @throws SyncError IMAP_SYNC_CHANGED in place of those codes: the merge has to start over
 */
export async function unlessOvertaken<T>(work: Promise<T>, signs: readonly ErrorCode[]): Promise<T> {
  try {
    return await work;
  } catch (caught) {
    const error = SyncError.from(caught);
    if (error.family !== 'refused' || !signs.includes(error.code)) throw error;
    throw new SyncError('IMAP_SYNC_CHANGED', error.message, {
      family: 'refused',
      phase: error.phase,
      mailbox: error.mailbox,
      hint: 'the mailbox changes on both sides while it is being merged; run again',
      retryable: true,
      cause: error,
    });
  }
}
