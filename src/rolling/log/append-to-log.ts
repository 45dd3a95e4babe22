import { closeSync, constants, fstatSync, fsyncSync, ftruncateSync, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { openRegular } from '../../native/open-regular.ts';
import { isStillAt } from '../../native/until-not-replaced.ts';
import { whenLocked } from '../../native/when-locked.ts';
import { SyncError } from '../../report/sync-error.ts';
import { LOG_LOCK_DEADLINE_MS, WRITER_ATTEMPTS } from '../limits.ts';
import { endLine, LOG_MODE, logError, openExisting, writeAll } from './log-files.ts';
import { formatLogLine, type LogLine } from './log-line.ts';

const DIRECTORY_MODE = 0o755;

/**
 * Appends as Cyrus's writers do: locked, to the inode that the path names, synced.
 *
 * @param file path of the log
 * @throws SyncError IO, LOCK_TIMEOUT
 */
export async function appendToLog(file: string, lines: readonly LogLine[]): Promise<void> {
  const bytes = Buffer.from(lines.map(formatLogLine).join(''), 'latin1');
  try {
    for (let attempt = 1; attempt <= WRITER_ATTEMPTS; attempt++) {
      const fd = openForAppending(file);
      try {
        const written = await whenLocked(fd, 'exclusive', LOG_LOCK_DEADLINE_MS, file, () => {
          if (!isStillAt(file, fd)) return false;
          appendWhole(fd, bytes);
          return true;
        });
        if (!written) continue;
        // A flush holds up nobody else once the lock is given back.
        fsyncSync(fd);
        return;
      } finally {
        closeSync(fd);
      }
    }
  } catch (caught) {
    throw logError(caught, file);
  }
  throw new SyncError(
    'LOCK_TIMEOUT',
    `${file} was renamed ${WRITER_ATTEMPTS} times while it was being opened`,
    {
      phase: 'log',
      hint: 'is a second sync_client running on the same channel',
      retryable: true,
    },
  );
}

/**
 * All of it or nothing: on a full disk half a line would stay, and whatever the next writer appends would be read as the
 * rest of it. What another writer left so is ended first.
 */
function appendWhole(fd: number, bytes: Buffer): void {
  const { size } = fstatSync(fd);
  try {
    endLine(fd, size, fd);
    writeAll(fd, bytes);
  } catch (caught) {
    ftruncateSync(fd, size);
    throw caught;
  }
}

function openForAppending(file: string): number {
  const flags = constants.O_RDWR | constants.O_APPEND | constants.O_CREAT;
  const fd = openExisting(file, flags);
  if (fd !== undefined) return fd;
  mkdirSync(dirname(file), { recursive: true, mode: DIRECTORY_MODE });
  return openRegular(file, flags, LOG_MODE);
}
