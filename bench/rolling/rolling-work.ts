/** The work of a run. */
export type RollingWork =
  /** A log of changes to so many mailboxes, one each, appears all at once. */
  | { kind: 'drain'; mailboxes: number }
  /** Changes come at a steady rate for so many seconds. */
  | { kind: 'stream'; perSecond: number; seconds: number }
  /** The rate is searched for from which on lag grows; each is tried for so many seconds. */
  | { kind: 'search'; seconds: number };
