import type { ReplicaMailbox } from '../../protocol/replica-session.ts';

/** The replica's side of a mailbox, as it was told or is foretold. */
export interface KnownMailbox extends ReplicaMailbox {
  /**
   * The modseq up to which the master had cleaned up when this was sent to a replica that had nothing of it, which so cannot
   * have what was cleaned up before; undefined where others may have sent some of it.
   */
  cleanedUpTo?: number | undefined;
}
