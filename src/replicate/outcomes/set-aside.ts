import type { ByteString } from '../../byte-string.ts';
import { type ErrorData, SyncError } from '../../report/sync-error.ts';

/**
 * A mailbox at which the replica's process ended, again and again: the rest of its user is done without it, so that it
 * takes nothing along.
 */
export interface SetAside {
  mailbox: ByteString;
  /** How the connection broke the last time. */
  error: ErrorData;
}

/** Makes the error with which the mailbox fails. */
export function breaksLink({ mailbox, error }: SetAside): SyncError {
  return new SyncError('BREAKS_LINK', `the connection breaks each time at this mailbox: ${error.message}`, {
    family: 'refused',
    phase: 'apply',
    mailbox,
    hint: "The replica's log says why its process ends there; everything else of this user was done",
  });
}
