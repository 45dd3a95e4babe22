import { statSync, unlinkSync } from 'node:fs';
import { SyncError } from '../../report/sync-error.ts';

/**
 * -F or sync_shutdown_file: asks for a clean end, and is removed when seen.
 *
 * @returns whether it was there; throws SyncError IO if it is there and cannot be removed
 */
export function shutdownFile(path: string | undefined): () => boolean {
  return () => {
    if (path === undefined || statSync(path, { throwIfNoEntry: false }) === undefined) return false;
    try {
      unlinkSync(path);
    } catch (caught) {
      throw SyncError.from(caught, {
        phase: 'log',
        hint: `remove ${path} by hand, or the next start ends at once`,
      });
    }
    return true;
  };
}
