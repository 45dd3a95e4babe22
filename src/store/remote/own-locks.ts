import { createHash } from 'node:crypto';
import { lstatSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { hasErrno } from '../../native/has-errno.ts';
import { SyncError } from '../../report/sync-error.ts';
import { tryLockFile } from '../files/while-file-locked.ts';
import type { MasterStore } from '../master-store.ts';

/** Whoever else looks at the directory is not to be let in. */
const OWNER_ONLY = 0o700;

/**
 * Locks of (master, replica, user), and of replicas, among the processes of one account on this host. The master's own are on
 * its host, out of reach, and exclude nobody here.
 *
 * @param temporaryDirectory where the lock files are, in a directory of this account's
 */
export function ownLocks(
  master: string,
  temporaryDirectory: string,
): Pick<MasterStore, 'trySyncLock' | 'tryQuotaRootLock'> {
  const directory = join(temporaryDirectory, `cyrus-sync-locks-${process.getuid?.() ?? 0}`);
  const lockOf = (...names: readonly string[]): Disposable | undefined => {
    requireOwn(directory);
    const name = createHash('sha256').update(names.join('\0'), 'latin1').digest('hex');
    return tryLockFile(join(directory, `${name}.lock`), 'exclusive');
  };
  return {
    trySyncLock: (server, userid) => lockOf(master, server, userid),
    tryQuotaRootLock: (server) => lockOf(server),
  };
}

/** In a directory that all may write to somebody else may have made it. @throws SyncError IO */
function requireOwn(directory: string): void {
  try {
    mkdirSync(directory, { mode: OWNER_ONLY });
  } catch (caught) {
    if (!hasErrno(caught, 'EEXIST')) throw caught;
  }
  const found = lstatSync(directory);
  if (found.isDirectory() && found.uid === process.getuid?.() && (found.mode & 0o022) === 0) return;
  throw new SyncError('IO', `${directory}: expected a directory that this account alone may write to`, {
    phase: 'lock',
    hint: 'remove it, or have TMPDIR name another directory',
  });
}
