/** Messages between the bench and the process that changes mail and watches the replica. */

/** A mailbox of the master that is changed. */
export interface LoadMailbox {
  user: string;
  /** As its user names it. */
  name: string;
  /** The replica's cyrus.index of it. */
  index: string;
}

export interface LoadSettings {
  /** The master's port. */
  imapPort: number;
  mailboxes: LoadMailbox[];
  /** The log that the client reads. */
  log: string;
  /** A log that Cyrus writes and nobody reads until it is released; undefined: Cyrus writes `log`. */
  held: string | undefined;
}

export type LoadOrder =
  /** One new message in each of the first so many mailboxes, at whatever speed. */
  | { kind: 'change'; mailboxes: number }
  /** Lets the client have the log that was held back. */
  | { kind: 'release' }
  /** Changes at a steady rate. */
  | { kind: 'stream'; perSecond: number; seconds: number }
  /** Until the log is gone and the replica holds every change, or the deadline (milliseconds). */
  | { kind: 'settle'; deadline: number };

/** Seconds throughout. */
export interface StreamReport {
  kind: 'streamed';
  changes: number;
  /** Changes answered, per second. */
  achieved: number;
  /** Changes that the replica did not hold yet when the last of them was answered ... */
  behind: number;
  /** ... and how old the oldest of these was. */
  lag: number;
}

export interface SettleReport {
  kind: 'settled';
  /** From the release of the log, or the end of a stream, to log and changes being done; null: not before the deadline. */
  drained: number | null;
  /** From each answer to its being visible since the last report; of what is not yet visible, its age. */
  lags: number[];
  /** Changes that the replica does not hold. */
  missing: number;
}

export type LoadReport = { kind: 'ready' | 'done' } | StreamReport | SettleReport;
