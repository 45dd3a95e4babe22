/**
 * The range of each number that a peer sends. None is wider than Cyrus means it, so that no counter of a mailbox
 * can be driven to where it has no next.
 */
export interface Range {
  readonly least: number;
  readonly most: number;
}

/** Checksums, which Cyrus keeps in 32 bits. */
export const WORD: Range = { least: 0, most: 2 ** 32 - 1 };

/** The UID of a message: 0 is none, and IMAP ends at 32 bits. */
export const UID: Range = { least: 1, most: 2 ** 32 - 1 };

/** LAST_UID, RECENTUID, UIDVALIDITY: 0 where there is none yet. */
export const UID_OR_NONE: Range = { least: 0, most: 2 ** 32 - 1 };

/** JavaScript counts exactly up to here, and RFC 7162 allows a thousand times as much; every change takes the next. */
export const MODSEQ: Range = { least: 0, most: Number.MAX_SAFE_INTEGER };

/** Seconds since 1970 until the end of the year 9999, the last that IMAP and mail headers can write. */
export const TIME: Range = { least: 0, most: 253_402_300_799 };

/** Octets of a message: 1 TiB, far above what any server takes; older ones have 32 bits. */
export const MESSAGE_SIZE: Range = { least: 0, most: 2 ** 40 };

/** A quota limit, in its resource's unit; what means "none" is within. */
export const LIMIT: Range = { least: 0, most: Number.MAX_SAFE_INTEGER };

/** ISACTIVE. */
export const YES_OR_NO: Range = { least: 0, most: 1 };
