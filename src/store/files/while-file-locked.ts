import { closeSync, constants, mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { hasErrno, isMissing } from '../../native/has-errno.ts';
import type { Synchronous } from '../../native/lock-scope.ts';
import { type LockKind, tryLock } from '../../native/locks.ts';
import { lockNow, whenLocked } from '../../native/when-locked.ts';
import { SyncError } from '../../report/sync-error.ts';

/** Modes with which Cyrus creates them; the umask of the process applies to both. */
const FILE_MODE = 0o666;
const DIRECTORY_MODE = 0o755;
const OPEN_FLAGS = constants.O_RDWR | constants.O_CREAT;

/** A lock on a file that exists for nothing else. It is never removed: someone may be waiting on it. */
class LockFile implements Disposable {
  #fd: number | undefined;

  constructor(fd: number) {
    this.#fd = fd;
  }

  [Symbol.dispose](): void {
    if (this.#fd === undefined) return;
    closeSync(this.#fd);
    this.#fd = undefined;
  }
}

/** Waits without blocking the thread, then runs `work` in a lock scope. @throws SyncError LOCK_TIMEOUT, IO */
export async function whileFileLocked<T extends Synchronous>(
  file: string,
  kind: LockKind,
  deadlineMs: number,
  work: () => T,
): Promise<T> {
  const fd = openLockFile(file);
  try {
    return await whenLocked(fd, kind, deadlineMs, file, work);
  } finally {
    closeSync(fd);
  }
}

/** Locks within a lock scope, which holds others already. @throws SyncError LOCK_TIMEOUT, IO */
export function lockFileNow(file: string, kind: LockKind): Disposable {
  const fd = openLockFile(file);
  try {
    lockNow(fd, kind, file);
  } catch (caught) {
    closeSync(fd);
    throw SyncError.from(caught, { phase: 'lock' });
  }
  return new LockFile(fd);
}

/** @returns undefined if somebody else holds it. @throws SyncError IO */
export function tryLockFile(file: string, kind: LockKind): Disposable | undefined {
  const fd = openLockFile(file);
  let locked = false;
  try {
    locked = tryLock(fd, kind);
  } finally {
    if (!locked) closeSync(fd);
  }
  return locked ? new LockFile(fd) : undefined;
}

function openLockFile(file: string): number {
  try {
    try {
      return openSync(file, OPEN_FLAGS, FILE_MODE);
    } catch (caught) {
      if (!isMissing(caught)) throw caught;
      mkdirSync(dirname(file), { recursive: true, mode: DIRECTORY_MODE });
      return openSync(file, OPEN_FLAGS, FILE_MODE);
    }
  } catch (caught) {
    const hint = hasErrno(caught, 'ENAMETOOLONG')
      ? 'the names of user and server are too long for one file name: a shorter sync_host may help'
      : 'run this as the user that Cyrus runs as';
    throw SyncError.from(caught, { phase: 'lock', hint });
  }
}
