import { type ByteString, compareBytes } from '../byte-string.ts';
import { SyncError } from '../report/sync-error.ts';
import type { MailboxEntry } from '../store/master-store.ts';
import type { EngineContext, JobResult } from './engine.ts';
import { Failures } from './failures.ts';
import { canBeOpened, ROUNDS, replicated } from './job-scope.ts';
import { syncFolders } from './sync-folders.ts';
import { SyncLocks } from './sync-locks.ts';

/**
 * The named mailboxes, and nothing else of their owners (-m, and shared mailboxes of -A). `owners` are all of theirs,
 * '' for shared ones: locked in byte order, as every client does, so that two of them cannot wait for each other.
 *
 * @throws SyncError as `runUser`
 */
export async function runMailboxes(
  context: EngineContext,
  owners: readonly ByteString[],
  names: readonly ByteString[],
): Promise<JobResult> {
  using locks = new SyncLocks(context, owners);
  await syncMailboxes(context, owners[0] ?? '', names, locks);
  return 'synced';
}

/** The same for a caller that holds the owners' locks; `user` is whom failures are reported of. */
export async function syncMailboxes(
  context: EngineContext,
  user: ByteString,
  names: readonly ByteString[],
  locks: SyncLocks,
): Promise<void> {
  let moved = false;
  for (let round = 1; round <= ROUNDS; round++) {
    const failures = new Failures(user);
    context.emit({ kind: 'command:mailboxes', names: [...names] });
    const replica = await context.session.getMailboxes(names.filter((name) => canBeOpened(context, name)));
    const entries = replicated(context, liveMailboxes(context, names), failures);
    const folders = await syncFolders(context, {
      user,
      entries,
      replica,
      whole: false,
      roots: new Set(),
      failures,
      locks,
      moved,
    });
    if (folders === 'again') continue;
    await folders.finished;
    if (failures.onlyMoved && !moved) {
      moved = true;
      continue;
    }
    failures.throwIfAny();
    return;
  }
  throw new SyncError('IMAP_SYNC_CHANGED', `failed to settle renames after ${ROUNDS} tries`, {
    user,
    phase: 'folders',
    hint: 'these mailboxes change while they are being replicated; run again',
    retryable: true,
  });
}

/** In byte order. Names that no live mailbox has are told. */
function liveMailboxes({ store, emit }: EngineContext, names: readonly ByteString[]): MailboxEntry[] {
  return [...names].sort(compareBytes).flatMap((name) => {
    const entry = store.lookup(name);
    if (entry && !entry.deleted) return [entry];
    emit({ kind: 'name:absent', name });
    return [];
  });
}
