import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';

const DROP_CACHES = '/proc/sys/vm/drop_caches';
const PAGES_AND_DIRECTORIES = '3';

/**
 * Takes all files of this host out of memory, so that the next run reads them from the disk.
 *
 * @throws Error unless run as root
 */
export function dropPageCache(): void {
  // Pages that are not written yet stay in memory.
  spawnSync('sync');
  try {
    writeFileSync(DROP_CACHES, PAGES_AND_DIRECTORIES);
  } catch (caught) {
    throw new Error(`only root may empty the page cache: ${(caught as Error).message}`);
  }
}
