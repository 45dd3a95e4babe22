/**
 * People who change mail leave each other a lock for some milliseconds. Who asked for it ten times a second got it after many
 * seconds, while they changed hundreds of messages more.
 */
const LONGEST_PAUSE_MS = 10;
/** Who has a lock for longer than this has it for a whole user or mailbox, and may have kept many waiting. */
const SOON_MS = 5_000;
const LONGEST_LATER_PAUSE_MS = 100;
const PAUSE_GROWTH = 1.5;

/**
 * Decides how long to wait before a long-lived lock is tried again.
 *
 * @param pauseMs the pause before
 * @param waitedMs since the lock was first tried
 */
export function nextLockPauseMs(pauseMs: number, waitedMs: number): number {
  const longest = waitedMs < SOON_MS ? LONGEST_PAUSE_MS : LONGEST_LATER_PAUSE_MS;
  return Math.min(pauseMs * PAUSE_GROWTH, longest);
}
