import type { ByteString } from '../byte-string.ts';
import type { ReplicaMailbox } from '../protocol/replica-session.ts';
import type { MailboxEntry } from '../store/master-store.ts';
import type { EngineContext } from './engine.ts';
import type { Failures } from './failures.ts';
import type { SyncLocks } from './sync-locks.ts';

export interface FolderJob {
  /** Owner, for reports; '' for shared mailboxes. */
  user: ByteString;
  entries: readonly MailboxEntry[];
  replica: readonly ReplicaMailbox[];
  /** The replica's list is all that the user has there. */
  whole: boolean;
  /** Quota roots of the mailboxes seen, filled in. */
  roots: Set<ByteString>;
  failures: Failures;
  locks: SyncLocks;
  /** An earlier round was told that a mailbox is under another name there: look for all by their uniqueid. */
  moved: boolean;
}

/** @throws SyncError if the failure ends the job */
export function reportMailbox(
  context: EngineContext,
  job: FolderJob,
  entry: MailboxEntry,
  caught: unknown,
): void {
  const error = job.failures.add('apply', caught, entry.name);
  context.emit({
    kind: 'notice',
    level: 'error',
    text: `do_folders(): update failed: ${entry.name} '${error.message}'`,
  });
}
