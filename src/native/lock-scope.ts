import { SyncError } from '../report/sync-error.ts';

/** A value that may come out of a lock scope: anything but a promise. */
export type Synchronous =
  // biome-ignore lint/suspicious/noConfusingVoidType: a function that returns nothing is as good as any.
  void | undefined | null | string | number | boolean | bigint | symbol | (object & { then?: never });

/**
 * The time that all further locks of one scope may be waited for together. It is more than a writer of Cyrus needs for the
 * transaction that it is in, and so little that nobody notices who waits for what this scope holds.
 */
const SCOPE_PATIENCE_MS = 20;
/** The patience where nothing is held: this thread alone waits, but with all of its users and its signals. */
const LONE_PATIENCE_MS = 200;

let depth = 0;
let patienceMs = 0;

/**
 * The only way to hold a lock that Cyrus's processes wait for: from the moment when it was had until `work` returns.
 * `work` cannot await, so that nothing is waited for under the lock but local files, and further locks for some
 * milliseconds. Whoever needs more than that reads what it needs, leaves, and then talks.
 */
export function lockScope<T extends Synchronous>(work: () => T): T {
  if (depth === 0) patienceMs = SCOPE_PATIENCE_MS;
  depth++;
  try {
    const result = work();
    if (isPromise(result)) {
      throw new SyncError('BUG', 'a promise was returned from under a lock of Cyrus', { phase: 'lock' });
    }
    return result;
  } finally {
    depth--;
  }
}

/** @throws SyncError BUG if a lock of Cyrus is held by this thread */
export function assertNoLockHeld(what: string): void {
  if (depth === 0) return;
  throw new SyncError('BUG', `${what} under a lock of Cyrus`, { phase: 'lock' });
}

/** How long this thread may stand still for a lock, milliseconds. */
export function lockPatienceMs(): number {
  return depth === 0 ? LONE_PATIENCE_MS : patienceMs;
}

/** Takes off what was waited: it is not waited again in the same scope. */
export function spendPatience(milliseconds: number): void {
  patienceMs = Math.max(0, patienceMs - milliseconds);
}

function isPromise(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
}
