/** How a run, a user or a connection stands, in one word: the same in status, log, page and labels of metrics. */
export type StandingWord =
  /** No connection has been made yet. */
  | 'connecting'
  | 'copying'
  /** Rolling mode, or a connection, without anything to do. */
  | 'idle'
  /** Not begun. */
  | 'waiting'
  | 'waiting-for-lock'
  | 'waiting-to-retry'
  | 'waiting-for-replica'
  | 'replica-ill'
  | 'host-out-of-files'
  | 'throttled'
  /** Set aside by whoever steers. */
  | 'skipped'
  | 'stopping'
  | 'ended'
  | 'done'
  | 'absent'
  | 'locked'
  | 'failed'
  | 'not-reached';

export interface Standing {
  word: StandingWord;
  /** For people, printable. */
  reason?: string | undefined;
}

/** `throttled: pause file /run/quiet`. */
export function standingText({ word, reason }: Standing): string {
  return reason === undefined ? word : `${word}: ${reason}`;
}
