import { constants } from 'node:os';
import { getSystemErrorName } from 'node:util';
import { SyncError } from '../report/sync-error.ts';
import { libc } from './libc.ts';

/**
 * Open-file-description locks over the whole file (store section 2.6). They conflict with the fcntl record locks of
 * Cyrus's processes in both directions, between threads and between two opens in one process, and they end with the
 * last descriptor of that open(): closing another descriptor of the same file does not drop them.
 */
export type LockKind = 'shared' | 'exclusive';

const F_OFD_SETLK = 37;
const F_RDLCK = 0;
const F_WRLCK = 1;
const F_UNLCK = 2;
/** struct flock of 64-bit Linux; l_whence, l_start and l_len 0 = the whole file, l_pid must be 0. */
const FLOCK_BYTES = 32;

/**
 * Never waits.
 *
 * @returns false if somebody else holds a lock in the way
 * @throws SyncError IO, for instance EBADF when `fd` is not open for reading (shared) or for writing (exclusive)
 */
export function tryLock(fd: number, kind: LockKind): boolean {
  return setLock(fd, kind === 'shared' ? F_RDLCK : F_WRLCK);
}

/** Closing the descriptor does the same. */
export function unlock(fd: number): void {
  setLock(fd, F_UNLCK);
}

function setLock(fd: number, type: number): boolean {
  const lock = Buffer.alloc(FLOCK_BYTES);
  new Int16Array(lock.buffer, lock.byteOffset, 1)[0] = type;
  for (;;) {
    if (libc().fcntlLock(fd, F_OFD_SETLK, lock) !== -1) return true;
    const errno = libc().errno();
    if (errno === constants.errno.EAGAIN || errno === constants.errno.EACCES) return false;
    if (errno !== constants.errno.EINTR) {
      throw new SyncError('IO', `${getSystemErrorName(-errno)}: fcntl(${fd}, F_OFD_SETLK)`, {
        phase: 'lock',
      });
    }
  }
}
