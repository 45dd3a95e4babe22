import type { Clock } from '../../coordinator/clock.ts';
import type { RollingEndReason } from '../../coordinator/run/exit-codes.ts';
import type { EventListener } from '../../report/events.ts';
import type { ErrorData } from '../../report/sync-error.ts';
import type { SyncLog } from '../log/sync-log.ts';
import type { InboxOf } from '../queue/renamed-users.ts';
import type { OwnerOf, RollingUnit, UnitOutcome } from '../queue/rolling-unit.ts';

export interface RollingOptions {
  /** -n; undefined = the default log. */
  channel: string | undefined;
  /** For events: as -S or sync_host has it. */
  server: string;
  /** -1 and -f: what the log says now, each thing tried once, then the end. */
  once: boolean;
  /** Units at work at the same time. */
  parallel: number;
  /** Limit of this process on open files, to be named. */
  openFiles?: number | undefined;
  /** -d or sync_repeat_interval: milliseconds from one look at the log to the next, at least; 0 = as often as pays. */
  repeatIntervalMs: number;
  /** -t: milliseconds until connections are made anew; 0 = never. */
  sessionTimeoutMs: number;
  /** -o: the first connection is tried once. */
  connectOnce: boolean;
  /** sync_reconnect_maxwait, seconds; 0 = no cap. */
  reconnectMaxWaitSeconds: number;
  /** The process ends, with success, when the replica goes away, as the C client's does. */
  exitWhenReplicaGone: boolean;
  /** -N with a channel: hand the lines of a locked user back to the log, as the C client. Otherwise they are parked. */
  relogLocked: boolean;
  /** Milliseconds between two backlog events; 0 = none. */
  reportIntervalMs: number;
}

/** Everything that is not a decision. */
export interface RollingDependencies {
  log: SyncLog;
  ownerOf: OwnerOf;
  /** Never throws: where the list cannot be read now, nothing is known of the user. */
  inboxOf: InboxOf;
  /**
   * Runs the actions in order and goes on after a failure, but runs an `unuser` only if everything before it is done. A
   * rejection is a failure of every action of the unit.
   *
   * @param apart on a connection that nothing else uses meanwhile
   */
  run(unit: RollingUnit, apart: boolean): Promise<UnitOutcome>;
  /** Settles when it is known whether the replica answers. Rejects with a SyncError. */
  connect(): Promise<void>;
  /** RESTART, EXIT and a new connection, for each connection as soon as it is free. */
  restart(): Promise<void>;
  /** A file asks to leave the user alone: `skipUsers`. */
  isSkipped(userid: string): boolean;
  /** `shutdownFile` */
  shutdownRequested(): boolean;
  /** Nothing is to be begun. */
  isPaused(): boolean;
  clock: Clock;
  /** 0 <= r < 1 */
  random(): number;
  emit: EventListener;
}

export interface RollingEnd {
  reason: RollingEndReason;
  /** Lines that are not done. They are in log-run for the next start, unless the source was a file given with -f. */
  unfinished: number;
  failures: { user: string; error: ErrorData }[];
  /** Why it is `not-connected`. */
  error?: ErrorData | undefined;
}
