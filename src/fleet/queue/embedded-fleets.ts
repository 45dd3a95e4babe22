import { existsSync, readdirSync } from 'node:fs';
import { SyncError } from '../../report/sync-error.ts';

/** lmdb's file, which is there once a queue was opened. */
const DATA = 'data.mdb';

/**
 * The fleets whose queues are in a directory of this host; none where there is no such directory.
 *
 * @throws SyncError IO if it cannot be looked into
 */
export function embeddedFleets(directory: string): string[] {
  try {
    return readdirSync(directory).filter((name) => existsSync(`${directory}/${name}/${DATA}`));
  } catch (caught) {
    if (caught instanceof Error && 'code' in caught && caught.code === 'ENOENT') return [];
    throw new SyncError('IO', `${directory}: cannot open the queue: ${SyncError.from(caught).message}`, {
      phase: 'start',
      hint: 'It must be a directory that Cyrus’s user may write to; --queue names another',
      cause: caught,
    });
  }
}
