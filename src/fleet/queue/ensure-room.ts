import { statSync } from 'node:fs';
import { join } from 'node:path';
import { ensureLmdbRoom } from '../../native/ensure-lmdb-room.ts';

/**
 * Where there is no database yet: one that is there can be asked and drained on a full disk too.
 *
 * @throws Error as `ensureLmdbRoom`
 */
export function ensureRoom(directory: string): void {
  // One that died for want of room has left a lock file of full size, and nothing of it is on the disk.
  const found = statSync(join(directory, 'lock.mdb'), { throwIfNoEntry: false });
  if (found === undefined || found.blocks === 0) ensureLmdbRoom(directory);
}
