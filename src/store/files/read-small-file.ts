/**
 * The door of `store/files`. Here is what reading the store's files shares: lock files, small files in one go, the pace of
 * a disk, dlist text, errors that name file and repair. It may use `native` alone. Nothing is read beyond its bound
 * (`limits.ts`), and nothing is opened that could make us wait.
 */

import { closeSync, readSync } from 'node:fs';
import { isMissing } from '../../native/has-errno.ts';
import { assertRegular, openWithoutWaiting } from '../../native/open-regular.ts';
import { SyncError } from '../../report/sync-error.ts';
import { unreadable } from './store-errors.ts';

/** Header and counters are far below this; more is read in further steps. */
const CHUNK_OCTETS = 64 * 1024;

/**
 * A whole small file in open, read, read, close, without asking for its size first. The writers of such files replace
 * them by rename, so what is open is complete.
 *
 * @param limitOctets see `limits.ts`
 * @param damaged what is thrown for a file above the limit
 * @returns undefined if there is no such file
 * @throws SyncError IO, and what `damaged` makes
 */
export function readSmallFile(
  path: string,
  limitOctets: number,
  damaged: (finding: string) => SyncError,
): Buffer | undefined {
  let fd: number;
  try {
    fd = openWithoutWaiting(path);
  } catch (caught) {
    if (isMissing(caught)) return undefined;
    throw SyncError.from(caught, { phase: 'read' });
  }
  try {
    const content = readAll(fd, limitOctets);
    if (content.length === 0 || content.length > limitOctets) assertRegular(fd, path);
    if (content.length <= limitOctets) return content;
    throw damaged(`expected at most ${limitOctets} octets, found more`);
  } catch (caught) {
    if (caught instanceof SyncError) throw caught;
    assertRegular(fd, path);
    throw unreadable(path, caught);
  } finally {
    closeSync(fd);
  }
}

/**
 * The one buffer of this thread: nearly every such file fits, and a mailbox that has not changed is opened for little else.
 */
const scratch = Buffer.allocUnsafe(CHUNK_OCTETS);

/** More than the limit, if there is more: by less than a chunk. */
function readAll(fd: number, limitOctets: number): Buffer {
  const chunks: Buffer[] = [];
  for (let octets = 0; octets <= limitOctets; octets += CHUNK_OCTETS) {
    const got = readSync(fd, scratch, 0, CHUNK_OCTETS, null);
    chunks.push(Buffer.from(scratch.subarray(0, got)));
    // A short read of a regular file is its end.
    if (got < CHUNK_OCTETS) break;
  }
  const only = chunks[0];
  return chunks.length === 1 && only !== undefined ? only : Buffer.concat(chunks);
}
