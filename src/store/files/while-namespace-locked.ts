import { existsSync, statSync } from 'node:fs';
import { lockScope, type Synchronous } from '../../native/lock-scope.ts';
import { nowMs } from '../../now-ms.ts';
import { lockFileNow, whileFileLocked } from './while-file-locked.ts';

/**
 * Runs `work` in a lock scope while no Cyrus changes anything of a user.
 *
 * Cyrus up to 3.2 has no lock for that, and later versions name it in two ways. Nothing in a store tells the version for
 * certain: it may be upgraded while this runs. So the locks of all names are taken that exist, the one that Cyrus had
 * last by waiting for it. A file that is missing is not made: Cyrus makes it before it changes anything, so that one that
 * is still missing afterwards was in nobody's hands meanwhile. One that is there by then means that `work` is run again.
 *
 * @param files of all names that the lock may have
 * @throws SyncError LOCK_TIMEOUT, IO, and what `work` throws
 */
export async function whileNamespaceLocked<T extends Synchronous>(
  files: readonly string[],
  deadlineMs: number,
  work: () => T,
): Promise<T> {
  const deadline = nowMs() + deadlineMs;
  for (;;) {
    const { taken, missing } = byLastTaken(files);
    const [first, ...others] = taken;
    const underAll = (): T => whileLocked(others, work);
    const leftMs = Math.max(0, deadline - nowMs());
    const result =
      first === undefined ? lockScope(underAll) : await whileFileLocked(first, 'shared', leftMs, underAll);
    if (missing.every((file) => !existsSync(file))) return result;
  }
}

function whileLocked<T>([file, ...others]: readonly string[], work: () => T): T {
  if (file === undefined) return work();
  using _lock = lockFileNow(file, 'shared');
  return whileLocked(others, work);
}

/** Cyrus truncates a lock file whenever it opens one, which dates it; this project never does. */
function byLastTaken(files: readonly string[]): { taken: string[]; missing: string[] } {
  const dated = files.map((file) => ({ file, at: statSync(file, { throwIfNoEntry: false })?.mtimeMs }));
  const taken = dated.filter((each) => each.at !== undefined).sort((a, b) => (b.at ?? 0) - (a.at ?? 0));
  const missing = dated.filter((each) => each.at === undefined);
  return { taken: taken.map(({ file }) => file), missing: missing.map(({ file }) => file) };
}
