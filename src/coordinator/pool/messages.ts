import type { ByteString } from '../../byte-string.ts';
import type { LockMechanism } from '../../native/locks.ts';
import type { ConnectionSettings } from '../../protocol/connection-settings.ts';
import type { Action, ActionResult, SetAside } from '../../replicate/engine.ts';
import type { Evidence, SyncEvent } from '../../report/events.ts';
import type { ErrorData } from '../../report/sync-error.ts';
import type { StoreLayout } from '../../store/paths/store-layout.ts';
import type { VerifyHow } from '../../verify/how.ts';

/**
 * The thread contract: everything that crosses between the coordinator and a thread, as plain data.
 *
 * One piscina task is one `Batch`: a giant alone, or several small users so that their connection can look ahead. The thread
 * answers with one `Outcome` per job, in any order, and posts `ThreadMessage`s while it works.
 */
export type Job = (
  | { kind: 'user'; userid: ByteString }
  | { kind: 'meta'; userid: ByteString }
  /** Mailboxes as one unit: shared ones (owner ''), or what `-m` names; all owners' locks are taken, sorted. */
  | { kind: 'mailboxes'; owners: ByteString[]; names: ByteString[] }
) & {
  /** Not to be sent this time. */
  setAside?: readonly SetAside[];
  /** It was begun before, and much has to be sent. */
  laden?: boolean;
};

export interface Batch {
  /** Unique within a run: pairs the answer with the last events of the batch. */
  id: number;
  jobs: Job[];
  /** Messages expected of each job, so that progress can tell how much is done. */
  sizes?: readonly number[];
  /** On a connection that nothing else uses meanwhile: one of the jobs may have broken the one that it was on. */
  apart?: boolean;
  /** Jobs with much to send may come back `postponed`, for other connections to take. */
  postponing?: Postponing | undefined;
}

/** From the second job with much to send on, or once the replica has enough to do on the connection. */
export type Postponing = 'at-once' | 'when-busy';

/** Rolling mode's task: what the log asks for one user, or users tied together, in order. */
export interface UnitTask {
  id: number;
  unit: { users: ByteString[]; actions: Action[]; setAside?: readonly SetAside[] };
  /** On a connection that nothing else uses meanwhile: it may break it. */
  apart?: boolean;
}

export interface UnitAnswer {
  /** One per action. */
  results: ActionResult[];
  /** Why there is no connection; also the answer to a unit without actions, which only asks for that. */
  linkError: ErrorData | undefined;
}

export type Task = (Batch | UnitTask) & {
  /** So many orders were given before it, on another port: a thread does not begin it before it has heard of them. */
  orders?: number;
};

export type Outcome = {
  /** The time that the attempt took. */
  elapsedMs?: number;
  /** Found by a comparison, and not told yet: whoever knows whether there is another attempt tells it. */
  evidence?: readonly Evidence[];
} & (
  | {
      kind: 'synced';
      job: Job;
      counts: Counts;
      /** How long the replica was at work on this connection since the outcome before. */
      servedMs?: number;
    }
  /** No such user or mailbox here: not an error (algorithm 3). */
  | { kind: 'absent'; job: Job }
  /** The sync lock is held by someone else. */
  | { kind: 'locked'; job: Job; user: ByteString }
  /** `suspect`: the connection broke while the replica was at this mailbox of the job. */
  | { kind: 'failed'; job: Job; error: ErrorData; counts: Counts; suspect?: ByteString | undefined }
  /** Much has to be sent, and this connection has enough of that. */
  | { kind: 'postponed'; job: Job }
  /** Never begun, because the link was down or the run is being cancelled: not the job's fault. */
  | { kind: 'untouched'; job: Job; error: ErrorData }
);

export interface Counts {
  mailboxes: number;
  messages: number;
  octets: number;
}

/** Everything that a connection of a pool needs to know, in whatever thread. */
export interface PoolSetup {
  layout: StoreLayout;
  /**
   * The master's own server, which is asked in place of files; of the layout only what is about names counts then. A private
   * one is of this host's Cyrus, whose databases are of a kind that only Cyrus reads.
   */
  from?: ConnectionSettings | PrivateEndpoint | undefined;
  /** How this and every other thread locks. */
  locks: LockMechanism;
  /** `auto`: beside the main thread, from when they pay; `always`: in its place, from the beginning. */
  threads: 'auto' | 'always';
  connection: ConnectionSettings;
  options: JobOptions;
  master: MasterEndpoint;
  /** `traffic` events are wanted. */
  traffic: boolean;
}

/** A worker thread is started with this (piscina's workerData). */
export interface ThreadStart {
  setup: PoolSetup;
}

/** Who applies to the master what conflict resolution has to change there (design, decision 13). */
export type MasterEndpoint =
  /** Nobody: a mailbox that has diverged is reported and left alone. */
  | { kind: 'none' }
  /** A `sync_server` of our own on a private socket, as long as the run needs it. */
  | PrivateEndpoint
  | { kind: 'server'; connection: ConnectionSettings };

export interface PrivateEndpoint {
  kind: 'private';
  program: string;
  configFile: string;
  configdirectory: string;
}

export interface JobOptions {
  /** -p: partition on the replica. */
  partition: ByteString | undefined;
  /** -L. */
  local: boolean;
  /** -O. */
  noCopyback: boolean;
  /** sync_batchsize; 0 = never split. */
  batchSize: number;
  /** undefined: nothing is compared. `after`: once it was replicated, rather than instead. */
  verify?: (VerifyHow & { after: boolean }) | undefined;
  /** Jobs that are under way at once in a batch. */
  lookAhead: number;
}

/** Thread to coordinator, outside of task results. */
export type ThreadMessage =
  | { kind: 'events'; events: SyncEvent[] }
  /** Every event of this batch has been posted. Answers travel on another port, so their order says nothing. */
  | { kind: 'flushed'; batch: number }
  /** The replica closed the connection while nothing was under way. */
  | { kind: 'idle-closed' }
  /** The session said EXIT and is closed: the answer to `exit`. */
  | { kind: 'exited' };

/** Coordinator to thread, over the port handed over at start. `number` counts the orders of a pool from 1. */
export type ThreadControl = { number: number } & ThreadOrder;

export type ThreadOrder =
  /** Connections that this thread may have from now on. */
  | { kind: 'connections'; limit: number }
  | { kind: 'exit' }
  /** Begin no further job. */
  | { kind: 'cancel' }
  /** Close the link now, whatever is in flight. */
  | { kind: 'cut' }
  /** Make a new connection for what comes next; take leave of the old one when nothing uses it any more. */
  | { kind: 'renew' };
