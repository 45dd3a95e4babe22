import type { Batch, Outcome, UnitAnswer, UnitTask } from './messages.ts';

/** Connections that do what is to be done: in this thread, in others beside it, or in others alone. */
export interface Pool {
  /** From now on; what is under way is left where it is. */
  use(allowance: Allowance): void;
  /** Work not begun comes back untouched; what is in flight goes on. */
  cancel(): void;
  /** Cuts every link; work in flight fails. */
  cut(): void;
  /** Takes leave of the replica, within a limited time, and ends the threads. Never rejects. */
  close(): Promise<void>;
}

/** Connections and threads that a pool may have. */
export interface Allowance {
  /** To the replica, at most. */
  connections: number;
  /** Threads beside this one pay. Once there, they stay. */
  threads: boolean;
}

/** For one-shot runs. */
export interface JobPool extends Pool {
  /**
   * Resolves when every event of the batch has been delivered.
   *
   * @throws SyncError BUG if the thread died
   */
  run(batch: Batch): Promise<Outcome[]>;
}

/** For rolling mode. */
export interface UnitPool extends Pool {
  /** As `JobPool.run`. */
  runUnit(task: UnitTask): Promise<UnitAnswer>;
  /** New connections for what comes next. */
  renew(): void;
}
