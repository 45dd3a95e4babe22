import type { ErrorData } from './sync-error.ts';

/** How far the replica has what the master has of one user. */
export type Grade =
  /** Everything. */
  | 'identical'
  /** All folders and messages; something beside them (ACLs, subscriptions, seen state, scripts, quota, counters) not. */
  | 'metadata-differs'
  /** All that can be read here: the messages whose files are damaged are listed. */
  | 'damaged-at-source'
  /** Folders or messages differ, found by a comparison. */
  | 'differs'
  /** It changed during every look, so that nothing can be said. */
  | 'changing'
  | 'failed'
  | 'not-reached';

export const GRADES = [
  'identical',
  'metadata-differs',
  'damaged-at-source',
  'differs',
  'changing',
  'failed',
  'not-reached',
] as const satisfies readonly Grade[];

/** The end of one user's work. */
export type SettledStatus = 'replicated' | 'absent' | 'locked' | 'failed' | 'not-reached';

/**
 * The grade that the end of the work on a user gives by itself. Every change was confirmed by the replica, which compares
 * checksums; a comparison afterwards (`user:graded`) says more than that.
 *
 * @returns undefined for a user who is not here
 */
export function gradeOf(
  status: SettledStatus,
  error: Pick<ErrorData, 'leaves'> | undefined,
): Grade | undefined {
  switch (status) {
    case 'replicated':
      return 'identical';
    case 'absent':
      return undefined;
    case 'locked':
    case 'not-reached':
      return 'not-reached';
    case 'failed':
      return error?.leaves ?? 'failed';
  }
}
