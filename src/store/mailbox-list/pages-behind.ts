import { setImmediate, setTimeout as sleep } from 'node:timers/promises';
import type { ByteString } from '../../byte-string.ts';
import { patiently } from '../files/patiently.ts';

/** Between tries at a database that is locked. */
const LOCKED_PAUSE_MS = 50;

/** A part of a list that was read under one lock of the database. */
export interface Page {
  /** The last key that was read; undefined if there is none after it. */
  last: ByteString | undefined;
}

/**
 * Reads a whole list, a page at a time, and lets the thread go on with other work after each and while the database is locked.
 *
 * @param readBehind reads what comes behind the key `after`
 * @throws SyncError as `patiently`
 */
export async function* pagesBehind<P extends Page>(
  readBehind: (after: ByteString | undefined) => P,
): AsyncGenerator<P> {
  let after: ByteString | undefined;
  do {
    const from = after;
    const reading = patiently(() => readBehind(from));
    let next = reading.next();
    for (; !next.done; next = reading.next()) await sleep(LOCKED_PAUSE_MS);
    yield next.value;
    after = next.value.last;
    await setImmediate();
  } while (after !== undefined);
}
