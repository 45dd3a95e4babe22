import type { SyncError } from '../../report/sync-error.ts';

/** Takes "no such mailbox or user" for an answer, because it says all: nothing is there, or nothing is left to remove. */
export function ifNonexistent<T>(result: T): (error: SyncError) => { result: T } | undefined {
  return (error) => (error.code === 'IMAP_MAILBOX_NONEXISTENT' ? { result } : undefined);
}
