/**
 * The door of `replicate/connection`. Here is what jobs on one connection share: its context, the replica's stage and the
 * budget of records, partitions that are known, the order of sending, the second link of a large mailbox, sync locks. It
 * may use compare and outcomes, and sends messages and probes, but decides nothing about mailboxes. Memory is bounded for
 * each connection, a message is staged once, and RESTART is sent only while nobody relies on the stage.
 */

import type { ByteString } from '../../byte-string.ts';
import type { ReplicaSession } from '../../protocol/replica-session.ts';
import type { EventListener } from '../../report/events.ts';
import type { MasterStore } from '../../store/master-store.ts';
import type { CompareOptions } from '../compare/compare-mailbox.ts';
import type { SetAside } from '../outcomes/set-aside.ts';
import type { MessagesThere } from './messages-there.ts';
import type { Partitions } from './partitions.ts';
import type { QuotaRootLock } from './quota-root-lock.ts';
import type { Stage } from './stage.ts';

/** Everything that one job works with. Several jobs may share one at the same time: the session pipelines their commands. */
export interface EngineContext {
  store: MasterStore;
  session: ReplicaSession;
  stage: Stage;
  partitions: Partitions;
  quotaRootLock: QuotaRootLock;
  /** Opens the session for script commands, which a server takes only from those that leave `#sieve` alone. */
  scripts: ScriptSession;
  /** Writes to the master through its own server; undefined: the master must not be written to. */
  master: MasterWriter | undefined;
  /** Lends another connection that nobody uses at the moment, if there is one. Whoever borrows it gives it back. */
  borrow: (() => Promise<BorrowedLink | undefined>) | undefined;
  /**
   * Called once it is known how much has to be sent, before any of it is, and awaited; what it throws ends the job, so that
   * another connection can take it up. `commands` in parts, which are counted only as far as they are read.
   */
  beforeSending: ((commands: Iterable<number>) => Promise<void> | undefined) | undefined;
  options: EngineOptions;
  /** Shared by all connections of a thread; undefined: nothing is asked for elsewhere. */
  there: MessagesThere | undefined;
  /** Mailboxes that are not sent: each of them fails with the error given here. */
  setAside: readonly SetAside[];
  emit: EventListener;
}

/** A session and what is known of its other end. */
export type ReplicaLink = Pick<EngineContext, 'session' | 'stage' | 'partitions'>;

export interface BorrowedLink extends ReplicaLink, Disposable {}

/** The master's own Cyrus server, spoken to with the replication protocol (design, decision 13). */
export interface MasterWriter {
  /** Opens the one session of this thread when it is first needed. */
  connect(): Promise<{ session: ReplicaSession; stage: Stage }>;
}

/** A second session to the replica that does not replicate `#sieve` as a mailbox. */
export interface ScriptSession {
  /**
   * Opens the one such session of this connection when it is first needed.
   *
   * @param fits another is opened instead of one of which this is false
   * @throws SyncError as for the first session; REPLICA_BUSY if none fits
   */
  connect(fits?: (session: ReplicaSession) => Promise<boolean>): Promise<ReplicaSession>;
}

export interface EngineOptions extends CompareOptions {
  /** The replica as the operator spelled it: part of the sync lock's name. */
  server: string;
  /** -p: partition on the replica, for every mailbox. */
  partition: ByteString | undefined;
  /** -L */
  local: boolean;
  /** -O */
  noCopyback: boolean;
  /** sync_batchsize; 0 = never split. */
  batchSize: number;
  /** `sieve_folder`: last component of the mailbox that holds scripts. */
  sieveFolder: ByteString;
}

/** `absent`: no such user here; nothing was done, and that is not an error (algorithm 3). */
export type JobResult = 'synced' | 'absent';
