import type { ByteString } from '../../byte-string.ts';
import type { ReplicaMailbox, ReplicaQuota } from '../../protocol/replica-session.ts';
import type { MailboxEntry, MailboxState } from '../../store/master-store.ts';
import type { LeftOut } from '../compare/left-out.ts';
import type { EngineContext } from '../connection/engine-context.ts';
import type { SyncLocks } from '../connection/sync-locks.ts';
import type { Failures } from '../outcomes/failures.ts';

export interface FolderJob {
  /** Owner, for reports; '' for shared mailboxes. */
  user: ByteString;
  entries: readonly MailboxEntry[];
  replica: readonly ReplicaMailbox[];
  /** The replica's list is all that the user has there. */
  whole: boolean;
  /** The sync log names the mailboxes, those that are deleted here too. */
  logged: boolean;
  /** Quota roots of the mailboxes seen, filled in. */
  roots: Set<ByteString>;
  /** Quotas that the replica has, filled in; undefined: the job sends none. */
  quotas: Map<ByteString, ReplicaQuota> | undefined;
  failures: Failures;
  locks: SyncLocks;
  /** A mailbox of the job was merged; filled in. */
  merged: boolean;
  /** Mailboxes that the replica said in an earlier round to have under another name: all are looked for by their uniqueid. */
  moved: ReadonlySet<ByteString> | undefined;
}

/** @throws SyncError if the failure ends the job */
export function reportMailbox(
  context: EngineContext,
  job: FolderJob,
  entry: MailboxEntry,
  caught: unknown,
): void {
  const error = job.failures.add('apply', caught, entry.name);
  context.emit({ kind: 'mailbox:failed', name: entry.name, error: error.toData() });
}

/**
 * Notes what was read of a mailbox: its quota root, and what could not be read beside it, which the replica keeps as it is.
 */
export function noteState(context: EngineContext, job: FolderJob, state: MailboxState): void {
  if (state.quotaroot !== undefined) job.roots.add(state.quotaroot);
  for (const part of state.unread) {
    if (!job.failures.addUnread(part)) continue;
    context.emit({ kind: 'mailbox:part-unread', error: part.error.toData() });
  }
}

/** Messages that cannot be sent: each is told once in a job, and all of a mailbox are one failure. */
export function noteLeftOut(
  context: EngineContext,
  job: FolderJob,
  { name }: MailboxEntry,
  leftOut: readonly LeftOut[],
): void {
  for (const { error } of leftOut) {
    if (!job.failures.addDamaged(name, error) || !error.damage) continue;
    context.emit({ kind: 'message:damaged', user: job.user, name, damage: error.damage });
  }
}
