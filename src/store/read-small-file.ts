import fs from 'node:fs';
import { SyncError } from '../report/sync-error.ts';
import { isMissing } from './store-error.ts';

/** Header, counters, quota and subscription files are far below this; more is read in further steps. */
const CHUNK_BYTES = 64 * 1024;

/**
 * A whole small file in open, read, read, close, without asking for its size first. The writers of such files replace
 * them by rename, so what is open is complete.
 *
 * @returns undefined if there is no such file
 * @throws SyncError IO
 */
export function readSmallFile(path: string): Buffer | undefined {
  let fd: number;
  try {
    fd = fs.openSync(path, 'r');
  } catch (caught) {
    if (isMissing(caught)) return undefined;
    throw SyncError.from(caught, { phase: 'read' });
  }
  try {
    return readAll(fd);
  } catch (caught) {
    throw SyncError.from(caught, { phase: 'read', hint: `could not read ${path}` });
  } finally {
    fs.closeSync(fd);
  }
}

/** One for the thread: nearly every such file fits, and a mailbox that has not changed is opened for little else. */
const scratch = Buffer.allocUnsafe(CHUNK_BYTES);

function readAll(fd: number): Buffer {
  const chunks: Buffer[] = [];
  for (;;) {
    const got = fs.readSync(fd, scratch, 0, CHUNK_BYTES, null);
    chunks.push(Buffer.from(scratch.subarray(0, got)));
    // A short read of a regular file is its end.
    if (got < CHUNK_BYTES) break;
  }
  const only = chunks[0];
  return chunks.length === 1 && only !== undefined ? only : Buffer.concat(chunks);
}
