/** Sizes and times of rolling mode. */

/** Octets of one log line. Two names of Cyrus's longest mailbox path, every octet escaped, fit four times over. */
export const MAX_LINE_OCTETS = 64 * 1024;
/** Octets of one literal in a log line: as many as a mailbox path may have, with room to spare. */
export const MAX_LITERAL_OCTETS = 16 * 1024;
/** Octets of a mailbox name: Cyrus makes none above 490, and has room for 1,024 where it puts DELETED and a time around it. */
export const MAX_NAME_OCTETS = 1_023;
/** Octets of a userid: every version of Cyrus has a file that is called after the user, with at least `.sub` behind. */
export const MAX_USERID_OCTETS = 251;
/** Octets of the log read at a time. */
export const READ_CHUNK_OCTETS = 64 * 1024;
/** Octets of the log parsed before other work of the process gets its turn. */
export const READ_SLICE_OCTETS = 1024 * 1024;
/** How often a writer looks again for the log when a reader renames it under its hands: Cyrus's own number. */
export const WRITER_ATTEMPTS = 64;
/** How long a writer of Cyrus may hold the log; it writes a line and syncs. */
export const LOG_LOCK_DEADLINE_MS = 10_000;

/** How often a log that grows while it is copied is copied on before the rest of it is flushed under its lock. */
export const JOIN_ROUNDS = 5;

/**
 * With a repeat interval of 0, how often the log is looked for. The C client waits 100 when there is none, but looks at
 * once after a pass; looking at this pace costs one percent of a processor, and a change reaches the replica sooner.
 */
export const SHORTEST_INTERVAL_MS = 20;
/** Taking the log over may use one part in this many of the time. */
export const TAKE_PAUSE_FACTOR = 10;
/** Unless that comes to more than this. */
export const LONGEST_TAKE_PAUSE_MS = 10_000;
/** The shutdown file is looked for at least this often, however long the repeat interval. */
export const SHUTDOWN_POLL_MS = 1_000;

/** First pause of something that fails, doubled with each failure in a row up to the longest. */
export const BACKOFF_FIRST_MS = 1_000;
export const BACKOFF_LONGEST_MS = 10 * 60_000;
/** Failures in a row from which on a user counts as quarantined: seen by the operator, tried at long intervals. */
export const QUARANTINE_AFTER = 5;
/** Somebody else works on the user: that ends by itself, so it is looked at more often. */
export const LOCKED_FIRST_MS = 1_000;
export const LOCKED_LONGEST_MS = 30_000;
/** Pauses are spread over this part of their length, so that users who failed together do not come back together. */
export const BACKOFF_JITTER = 0.25;

/** -1 and -f: how often a unit is tried whose connection breaks. */
export const ONCE_LINK_ATTEMPTS = 3;

/** Connections lost in a row without one action done, and users under whom they broke: then it is the replica that is ill. */
export const ILL_LOSSES = 6;
export const ILL_USERS = 3;

/** Breaks at one and the same mailbox, from which on its user is tried without it. */
export const BREAKS_TO_SET_ASIDE = 2;
