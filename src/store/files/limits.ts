/**
 * Bounds on what is read into memory at one go, in octets. Each is far above what Cyrus writes, so that only damage or
 * a file that was put there on purpose gets there: a sparse file of a GiB costs whoever makes it nothing.
 */

/** cyrus.header: 128 flags, an ACL, a quota root. An ACL with an entry for each of 100,000 users still fits. */
export const MAX_HEADER_OCTETS = 8 * 1024 * 1024;
/** Counters of the newest Cyrus have 296. */
export const MAX_COUNTERS_OCTETS = 4 * 1024;
/** One line of numbers for each of four resources. */
export const MAX_QUOTA_OCTETS = 64 * 1024;
/** `sieve_maxscriptsize` is 32 KiB by default, and an administrator may allow far more. */
export const MAX_SCRIPT_OCTETS = 32 * 1024 * 1024;
/** Subscriptions, and the mailbox list of an old Cyrus: a row for each of some million mailboxes. */
export const MAX_FLAT_DATABASE_OCTETS = 256 * 1024 * 1024;
/** Key or value in a database: an annotation may be as large as a message, but not as the largest. */
export const MAX_DATABASE_FIELD_OCTETS = 64 * 1024 * 1024;

/**
 * Octets of the header of an index, and of each of its records: no version has more than a few hundred, and a buffer of as many
 * is made before the first is read.
 */
export const MAX_INDEX_PART_OCTETS = 4096;
