import { type BigIntStats, fstatSync, statSync } from 'node:fs';
import { SyncError } from '../report/sync-error.ts';

/** The answer of an attempt whose file, once locked, was not the one at its path any more. */
export const REPLACED = Symbol('replaced');

/**
 * Opens and locks a file whose writers rename a new one over it: a repack does, and so does a reader of the sync log.
 * Between open and lock another file may have got the path, and the one at hand is nobody's any more. So `attempt` opens,
 * locks, asks `isStillAt`, and is called again if the answer is no.
 *
 * @param attempts more than any of the file's writers needs: whoever replaces it so often in a row does so in a loop
 * @throws SyncError IO after so many attempts
 */
export function untilNotReplaced<T>(path: string, attempts: number, attempt: () => T | typeof REPLACED): T {
  for (let times = 0; times < attempts; times++) {
    const outcome = attempt();
    if (outcome !== REPLACED) return outcome;
  }
  throw new SyncError('IO', `${path}: replaced ${attempts} times while it was being opened`, {
    phase: 'read',
    hint: 'look for a program that rewrites the file in a loop',
    retryable: true,
  });
}

/** Tells whether the path still leads to the file that was opened and then locked. */
export function isStillAt(path: string, opened: number | Pick<BigIntStats, 'ino' | 'dev'>): boolean {
  const { ino, dev } = typeof opened === 'number' ? fstatSync(opened, { bigint: true }) : opened;
  const now = statSync(path, { bigint: true, throwIfNoEntry: false });
  return now !== undefined && now.ino === ino && now.dev === dev;
}
