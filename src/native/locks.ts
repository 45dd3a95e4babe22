import { constants } from 'node:os';
import { getSystemErrorName } from 'node:util';
import { SyncError } from '../report/sync-error.ts';
import { libc } from './libc.ts';

/**
 * The two ways in which a Cyrus locks files; locks of one way do not see those of the other.
 *
 * - `fcntl`: ours are open-file-description locks over the whole file (store 2.6), which conflict with the record locks of
 *   Cyrus's processes in both directions.
 * - `flock`: asking for the other kind of a lock that one holds may lose it; nobody here does.
 *
 * Both hold between threads and between two opens in one process, and end with the last descriptor of that open(): closing
 * another descriptor of the same file does not drop them.
 */
export type LockMechanism = 'fcntl' | 'flock';
export type LockKind = 'shared' | 'exclusive';

const F_OFD_SETLK = 37;
/** struct flock of 64-bit Linux; l_whence, l_start and l_len 0 = the whole file, l_pid must be 0. */
const FLOCK_OCTETS = 32;
/** l_type of struct flock. */
const RECORD = { shared: 0, exclusive: 1, none: 2 } as const;
const LOCK_NB = 4;
/** Operations of flock(2). */
const OPERATION = { shared: 1, exclusive: 2, none: 8 } as const;
/** EACCES is what POSIX allows for a record lock that is held. */
const HELD: Readonly<Record<LockMechanism, readonly number[]>> = {
  fcntl: [constants.errno.EAGAIN, constants.errno.EACCES],
  flock: [constants.errno.EWOULDBLOCK],
};

let mechanism: LockMechanism = 'fcntl';

/** Chooses the mechanism for all locks of this thread; every thread begins by calling it. */
export function chooseLocks(chosen: LockMechanism): void {
  mechanism = chosen;
}

/**
 * Takes the lock if it is free, and never waits.
 *
 * @returns false if somebody else holds a lock in the way
 * @throws SyncError IO, for instance EBADF when `fd` is not open, or not for reading (shared) or writing (exclusive)
 */
export function tryLock(fd: number, kind: LockKind): boolean {
  return setLock(fd, kind);
}

/** Closing the descriptor does the same. */
export function unlock(fd: number): void {
  setLock(fd, 'none');
}

function setLock(fd: number, wanted: LockKind | 'none'): boolean {
  for (;;) {
    if (call(fd, wanted) !== -1) return true;
    const errno = libc().errno();
    if (HELD[mechanism].includes(errno)) return false;
    if (errno !== constants.errno.EINTR) {
      const tried = mechanism === 'fcntl' ? `fcntl(${fd}, F_OFD_SETLK)` : `flock(${fd})`;
      throw new SyncError('IO', `${getSystemErrorName(-errno)}: ${tried}`, { phase: 'lock' });
    }
  }
}

function call(fd: number, wanted: LockKind | 'none'): number {
  if (mechanism === 'flock') return libc().flock(fd, OPERATION[wanted] | LOCK_NB);
  const lock = Buffer.alloc(FLOCK_OCTETS);
  new Int16Array(lock.buffer, lock.byteOffset, 1)[0] = RECORD[wanted];
  return libc().fcntlLock(fd, F_OFD_SETLK, lock);
}
