import type { ByteString } from '../byte-string.ts';
import type { Backlog } from '../report/events.ts';

/** The outcome of an order that names a user. */
export type Steered =
  /** It is next, or begins at once. */
  | 'done'
  /** It is being worked on at this moment. */
  | 'running'
  /** There was nothing to do: it is skipped already, not skipped, or has not failed. */
  | 'as-it-was'
  /** It has failed for good, and this run begins nothing any more: another run is the next attempt. */
  | 'failed'
  /** No user of this run has that name, or none that is still to be replicated. */
  | 'unknown';

/** Connections to the replica. */
export interface ConnectionsInUse {
  /** As asked for. */
  limit: number | 'auto';
  /** The most that this host's limit on open files leaves room for. */
  most: number;
  /** Up at this moment. */
  open: number;
}

/** Why nothing is begun and nothing goes out. */
export interface Pause {
  /** Who asked: each takes back only what it asked for. */
  by: string;
  /** For people. */
  reason: string;
}

/**
 * The only way to change what a run, or a channel in rolling mode, is doing while it does it. It takes effect at once, for
 * connections of other threads too; what is under way goes on, more slowly or not until it is resumed. Every order that
 * changes something is told as the event `run:steered`. Nothing here throws.
 */
export interface Steering {
  readonly connections: ConnectionsInUse;
  /** Connections over the new limit end with the work that they are at. @returns what it came to */
  setConnections(limit: number | 'auto'): ConnectionsInUse;
  /** Octets a second of all connections together; undefined = no limit. */
  readonly bwlimit: number | undefined;
  setBwlimit(octetsPerSecond: number | undefined): void;
  readonly pauses: readonly Pause[];
  /** Asked for again by the same, the reason is replaced. */
  pause(pause: Pause): void;
  resume(by: string): void;
  /** This user next, before all others; one who is done or unknown to rolling mode as well. */
  now(user: ByteString): Steered;
  /** Not begun any more, until `unskip`. */
  skip(user: ByteString): Steered;
  unskip(user: ByteString): Steered;
  readonly skipped: readonly ByteString[];
  /** Another attempt at once for one that waits for its next, or has failed for good: its last word is then the next one. */
  retry(user: ByteString): Steered;
  /** Users that wait, the first of them, in about the order in which they come. */
  waiting(most: number): ByteString[];
  /** Rolling mode alone. @throws SyncError IO if the log cannot be read */
  backlog?(): Backlog;
  /** As the first signal: nothing is begun any more, what runs has its time to end. */
  stop(): void;
}
