import { closeSync, constants } from 'node:fs';
import { join } from 'node:path';
import { tryLock } from '../../native/locks.ts';
import { openRegular } from '../../native/open-regular.ts';

/** It is beside lmdb's own files: whoever closed another descriptor of theirs would lose lmdb its locks. */
const LOCK_FILE = 'in-use.lock';

/**
 * Keeps a directory for one sandbox at a time: lmdb would let another in, whose sweep at the start takes messages away that the
 * first has only staged, and both would tell their clients that all is well. The lock goes with the process, however that ends.
 *
 * @returns what gives it up
 * @throws Error if another sandbox has it
 */
export function holdDirectory(directory: string): () => void {
  const fd = openRegular(join(directory, LOCK_FILE), constants.O_RDWR | constants.O_CREAT, 0o600);
  if (tryLock(fd, 'exclusive')) return () => closeSync(fd);
  closeSync(fd);
  throw new Error('another sandbox has it');
}
