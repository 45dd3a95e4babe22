import type { ByteString } from '../../byte-string.ts';
import { SyncError } from '../../report/sync-error.ts';

const RECONSTRUCT = 'run reconstruct on this mailbox, then sync it again';

/** A file of one mailbox does not say what it must: names the file, what was expected and what was found. */
export function mailboxDamaged(path: string, finding: string, mailbox?: ByteString): SyncError {
  return new SyncError('MAILBOX_DAMAGED', `${path}: ${finding}`, {
    phase: 'read',
    mailbox,
    hint: RECONSTRUCT,
  });
}

/** The system could not read an open file, and does not say which. */
export function unreadable(path: string, caught: unknown): SyncError {
  const { code, message } = SyncError.from(caught);
  return new SyncError(code, `${path}: ${message}`, {
    phase: 'read',
    hint: 'see the log of the kernel: a disk may be failing',
    cause: caught,
  });
}

/** A record of a database that the database layer could read but we could not. */
export function databaseDamaged(path: string, finding: string, hint: string): SyncError {
  return new SyncError('DATABASE_DAMAGED', `${path}: ${finding}`, { phase: 'read', hint });
}

/** What `read` gives; a damaged database is reported with the repair that fits what it holds. */
export function withRepair<T>(hint: string, read: () => T): T {
  try {
    return read();
  } catch (caught) {
    if (!(caught instanceof SyncError) || caught.code !== 'DATABASE_DAMAGED') throw caught;
    throw new SyncError(caught.code, caught.message, { phase: caught.phase, hint, cause: caught });
  }
}
