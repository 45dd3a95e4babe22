import type { ByteString } from '../../byte-string.ts';
import type { EngineContext } from '../connection/engine-context.ts';
import { SyncLocks } from '../connection/sync-locks.ts';

/**
 * Takes quota roots away that count for other mailboxes on the replica than here. The next run of the user sets them again,
 * and a server that is given a new root goes through all mailboxes below it.
 */
export async function forgetQuotaRoots(
  context: EngineContext,
  owner: ByteString,
  roots: Iterable<ByteString>,
): Promise<void> {
  using _locks = new SyncLocks(context, [owner]);
  using _lock = await context.quotaRootLock.hold(context);
  for (const root of roots) {
    context.emit({ kind: 'command:unquota', root });
    await context.session.applyUnquota(root);
  }
}
