import { openSync, readdirSync, readlinkSync, renameSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';
import { chooseLocks, type LockMechanism, tryLock, unlock } from '../../src/native/locks.ts';

/** Started by the tests: takes the lock of a file in a thread of its own, and lets go when it is told to. */
export interface LockThreadData {
  path: string;
  kind: 'shared' | 'exclusive';
  /** Default fcntl. */
  mechanism?: LockMechanism;
  /** Before it lets go, once another open of the file is seen in this process: renames this file over it. */
  replaceBy?: string;
  /** [0] becomes 1 for: let go. */
  signal: Int32Array;
}

const { path, kind, mechanism = 'fcntl', replaceBy, signal } = workerData as LockThreadData;
chooseLocks(mechanism);
const fd = openSync(path, 'r+');
parentPort?.postMessage(tryLock(fd, kind));
Atomics.wait(signal, 0, 0);
if (replaceBy !== undefined) {
  while (openDescriptors(path) < 2);
  renameSync(replaceBy, path);
}
unlock(fd);

function openDescriptors(file: string): number {
  return readdirSync('/proc/self/fd').filter((number) => {
    try {
      return readlinkSync(`/proc/self/fd/${number}`) === file;
    } catch {
      // The descriptor that reads this directory is listed in it, and gone by now.
      return false;
    }
  }).length;
}
