import { SyncError } from '../../report/sync-error.ts';

/** Each try waits for 200 ms, and the caller pauses between them: a minute, in which a very large mailboxes.db is repacked. */
const TRIES = 200;

/**
 * Reads again while a database stays locked, in a thread that holds no lock of Cyrus meanwhile. The search for what there
 * is to do needs this, as nothing can go on without it; a job fails instead, and is tried again later.
 *
 * Yields after each try that met the lock, so that the thread can go on with other work before the next one.
 *
 * @throws what `read` throws; its LOCK_TIMEOUT after the last try
 */
export function* patiently<T>(read: () => T): Generator<void, T> {
  for (let tries = 1; ; tries++) {
    try {
      return read();
    } catch (caught) {
      if (!(caught instanceof SyncError) || caught.code !== 'LOCK_TIMEOUT' || tries === TRIES) throw caught;
    }
    yield;
  }
}
