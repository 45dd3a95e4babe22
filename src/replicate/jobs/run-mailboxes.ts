import { type ByteString, compareBytes } from '../../byte-string.ts';
import type { MailboxEntry } from '../../store/master-store.ts';
import type { EngineContext, JobResult } from '../connection/engine-context.ts';
import { SyncLocks } from '../connection/sync-locks.ts';
import type { FolderJob } from '../folders/folder-job.ts';
import { canBeOpened, replicated } from '../folders/replicated.ts';
import { syncFolders } from '../folders/sync-folders.ts';
import { Unusable } from '../folders/unusable.ts';
import { Failures } from '../outcomes/failures.ts';
import { inRounds } from './in-rounds.ts';

/**
 * Replicates the named mailboxes, and nothing else of their owners (-m, and shared mailboxes of -A). `owners` are all of
 * theirs, '' for shared ones: locked in byte order, as every client does, so that two of them cannot wait for each other.
 *
 * @throws SyncError as `runUser`
 */
export async function runMailboxes(
  context: EngineContext,
  owners: readonly ByteString[],
  names: readonly ByteString[],
): Promise<JobResult> {
  using locks = new SyncLocks(context, owners);
  await syncMailboxes(context, owners[0] ?? '', names, locks, false);
  return 'synced';
}

/**
 * Does what `runMailboxes` does, for a caller that holds the owners' locks. Failures are reported of `user`.
 *
 * @param logged the sync log names them, those that are deleted here too
 * @returns true if one of them was merged
 */
export async function syncMailboxes(
  context: EngineContext,
  user: ByteString,
  names: readonly ByteString[],
  locks: SyncLocks,
  logged: boolean,
): Promise<boolean> {
  let moved: ReadonlySet<ByteString> | undefined;
  const { merged } = await inRounds(user, 'failed to allSettledOrThrow renames', async () => {
    await context.store.refresh({ names });
    const failures = new Failures(user);
    context.emit({ kind: 'command:mailboxes', names: [...names] });
    const unusable = new Unusable(failures);
    const openable = names.filter((name) => canBeOpened(context, name));
    const replica = await context.session.getMailboxes(openable, unusable.add);
    const entries = unusable.without(replicated(context, liveMailboxes(context, names), failures));
    const job: FolderJob = {
      user,
      entries,
      replica,
      whole: false,
      logged,
      roots: new Set(),
      quotas: undefined,
      failures,
      locks,
      moved,
      merged: false,
    };
    const folders = await syncFolders(context, job);
    if (folders === 'again') return 'again';
    await folders.finished;
    if (failures.anyMoved && !moved) {
      moved = failures.movedThere;
      return 'again';
    }
    failures.throwIfAny();
    return { merged: job.merged };
  });
  return merged;
}

/** Looks the names up, in byte order. A name that no live mailbox has is reported. */
function liveMailboxes({ store, emit }: EngineContext, names: readonly ByteString[]): MailboxEntry[] {
  return [...names].sort(compareBytes).flatMap((name) => {
    const entry = store.lookup(name);
    if (entry && !entry.deleted) return [entry];
    emit({ kind: 'name:absent', name });
    return [];
  });
}
