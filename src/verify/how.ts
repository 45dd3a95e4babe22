/** How a user or a group of mailboxes is compared. Plain data: it crosses threads. */
export interface VerifyHow {
  /** Every record, and the replica's files; undefined: the counters and checksums of the mailboxes. */
  deep: Share | undefined;
  /** Users who differ are replicated, and looked at again. */
  repair: boolean;
  /** Sync logs that replicate to this replica: who is named in one is yet to be replicated. */
  logs: readonly string[];
}

/** One of `parts` shares of all mailboxes; `turn` counts up, so that `parts` turns in a row take each mailbox once. */
export interface Share {
  parts: number;
  turn: number;
}
