import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Enough for the files that lmdb begins with. */
const FIRST_OCTETS = 256 * 1024;

/**
 * Writes as much as lmdb begins with, and takes it away: lmdb maps its lock file before the disk has given room for it, and where
 * there is none, the process dies of SIGBUS without a word.
 *
 * @throws Error of the system, as ENOSPC
 */
export function ensureLmdbRoom(directory: string): void {
  const trial = join(directory, `room-${process.pid}`);
  try {
    writeFileSync(trial, Buffer.alloc(FIRST_OCTETS));
  } finally {
    rmSync(trial, { force: true });
  }
}
