import type { ByteString } from '../../byte-string.ts';
import { SyncError } from '../../report/sync-error.ts';

const RECONSTRUCT = 'run reconstruct on this mailbox, then sync it again';

/** Makes the error for a file of one mailbox that does not say what it must: the file, what was expected, what was found. */
export function mailboxDamaged(path: string, finding: string, mailbox?: ByteString): SyncError {
  return new SyncError('MAILBOX_DAMAGED', `${path}: ${finding}`, {
    phase: 'read',
    mailbox,
    hint: RECONSTRUCT,
  });
}

/** Names the file in what the system says of a failed read, which does not. */
export function unreadable(path: string, caught: unknown): SyncError {
  const { code, message } = SyncError.from(caught);
  return new SyncError(code, `${path}: ${message}`, {
    phase: 'read',
    hint: 'see the log of the kernel: a disk may be failing',
    cause: caught,
  });
}

/** Makes the error for a record that the database layer could read but whose content makes no sense. */
export function databaseDamaged(path: string, finding: string, hint: string): SyncError {
  return new SyncError('DATABASE_DAMAGED', `${path}: ${finding}`, { phase: 'read', hint });
}

/** Reads; a damaged database is reported with the repair that fits what it holds. */
export function withRepair<T>(hint: string, read: () => T): T {
  try {
    return read();
  } catch (caught) {
    if (!(caught instanceof SyncError) || caught.code !== 'DATABASE_DAMAGED') throw caught;
    throw new SyncError(caught.code, caught.message, { phase: caught.phase, hint, cause: caught });
  }
}
