import { setTimeout as sleep } from 'node:timers/promises';
import { nowMs } from '../now-ms.ts';
import { SyncError } from '../report/sync-error.ts';
import { lockPatienceMs, lockScope, type Synchronous, spendPatience } from './lock-scope.ts';
import { type LockKind, tryLock, unlock } from './locks.ts';
import { nextLockPauseMs } from './next-lock-pause-ms.ts';

const FIRST_PAUSE_MS = 1;
/** Leaf databases are held for one transaction, some milliseconds. */
const FIRST_BLOCKING_PAUSE_MS = 0.05;
const LONGEST_BLOCKING_PAUSE_MS = 2;
/**
 * A Cyrus that writes one transaction after the other leaves gaps of some 10 microseconds: single tries miss them for
 * seconds, a burst of tries (2 microseconds each) now and then does not.
 */
const BURST_MS = 0.3;
const BLOCKING_PAUSE_GROWTH = 1.5;

/**
 * Takes a lock of the kind that is held for some milliseconds: it blocks the thread between tries. When
 * `lockPatienceMs` is over it is tried once more, and not waited for any longer.
 *
 * @param what names the lock in the error, for instance the path of the file
 * @throws SyncError LOCK_TIMEOUT, IO
 */
export function lockNow(fd: number, kind: LockKind, what: string): void {
  if (attempt(fd, kind, what)) return;
  const started = nowMs();
  const deadlineMs = lockPatienceMs();
  let pauseMs = FIRST_BLOCKING_PAUSE_MS;
  try {
    for (;;) {
      const leftMs = deadlineMs - (nowMs() - started);
      if (leftMs > 0) blockThread(Math.min(pauseMs * (0.5 + Math.random()), leftMs));
      const burstEnds = nowMs() + BURST_MS;
      do {
        if (attempt(fd, kind, what)) return;
      } while (nowMs() < burstEnds);
      // Looked at before the tries: a thread that got no processor until now has tried once more.
      if (leftMs <= 0) throw lockTimeout(kind, deadlineMs, what);
      pauseMs = Math.min(pauseMs * BLOCKING_PAUSE_GROWTH, LONGEST_BLOCKING_PAUSE_MS);
    }
  } finally {
    spendPatience(nowMs() - started);
  }
}

/**
 * Takes a lock of the kind that is held long: the thread goes on with other work between tries, and holds nothing
 * meanwhile. `work` runs at once when the lock is had, and the lock is given back before anything else of the thread runs.
 *
 * @param deadlineMs how long to wait at most, counted from the call
 * @throws SyncError LOCK_TIMEOUT, IO
 */
export async function whenLocked<T extends Synchronous>(
  fd: number,
  kind: LockKind,
  deadlineMs: number,
  what: string,
  work: () => T,
): Promise<T> {
  const started = nowMs();
  let pauseMs = FIRST_PAUSE_MS;
  while (!attempt(fd, kind, what)) {
    const waitedMs = nowMs() - started;
    const leftMs = deadlineMs - waitedMs;
    if (leftMs <= 0) throw lockTimeout(kind, deadlineMs, what);
    // Jitter, so that threads waiting for one lock do not ask in step.
    await sleep(Math.min(pauseMs * (0.5 + Math.random()), leftMs));
    pauseMs = nextLockPauseMs(pauseMs, waitedMs);
  }
  try {
    return lockScope(work);
  } finally {
    unlock(fd);
  }
}

function attempt(fd: number, kind: LockKind, what: string): boolean {
  try {
    return tryLock(fd, kind);
  } catch (caught) {
    const { message } = SyncError.from(caught);
    throw new SyncError('IO', `no ${kind} lock on ${what}: ${message}`, {
      phase: 'lock',
      hint: 'the file system must support the locks that Cyrus takes: a local one does',
      cause: caught,
    });
  }
}

function blockThread(milliseconds: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
}

function lockTimeout(kind: LockKind, deadlineMs: number, what: string): SyncError {
  return new SyncError('LOCK_TIMEOUT', `no ${kind} lock on ${what} within ${Math.round(deadlineMs)} ms`, {
    phase: 'lock',
    hint: 'another process holds it; it is tried again later, and fuser(1) on the file shows who has it open',
    retryable: true,
  });
}
