import { closeSync } from 'node:fs';
import { isStillAt, REPLACED, untilNotReplaced } from '../../native/until-not-replaced.ts';
import { lockNow } from '../../native/when-locked.ts';
import { MAX_REPLACEMENTS, openIfThere } from './with-database.ts';

/**
 * Keeps every writer from a database until the lock is given back. For a lock scope, where the order of Cyrus's locks wants
 * the database before something else; whoever only reads it needs nothing of the kind.
 *
 * @returns undefined if there is no such file
 * @throws SyncError LOCK_TIMEOUT, IO
 */
export function lockDatabase(path: string): Disposable | undefined {
  return untilNotReplaced(path, MAX_REPLACEMENTS, () => {
    const fd = openIfThere(path);
    if (fd === undefined) return undefined;
    let keep = false;
    try {
      lockNow(fd, 'shared', path);
      if (!isStillAt(path, fd)) return REPLACED;
      keep = true;
      return { [Symbol.dispose]: () => closeSync(fd) };
    } finally {
      if (!keep) closeSync(fd);
    }
  });
}
