import type { Batch, Outcome, UnitAnswer, UnitTask } from './messages.ts';

/** Whoever does the work: this thread, others beside it, or others alone. */
export interface Workers {
  /** From now on; what is under way is left where it is. */
  use(room: Room): void;
  /** Work not begun comes back untouched; what is in flight goes on. */
  cancel(): void;
  /** Cuts every link; work in flight fails. */
  cut(): void;
  /** Takes leave of the replica, within a limited time, and ends the workers. Never rejects. */
  close(): Promise<void>;
}

/** What a run may use at a time. */
export interface Room {
  /** To the replica, at most. */
  connections: number;
  /** Threads beside this one pay. Once there, they stay. */
  threads: boolean;
}

/** For one-shot runs. */
export interface WorkerPool extends Workers {
  /**
   * Resolves when every event of the batch has been delivered.
   *
   * @throws SyncError BUG if the worker died
   */
  run(batch: Batch): Promise<Outcome[]>;
}

/** For rolling mode. */
export interface UnitPool extends Workers {
  /** As `WorkerPool.run`. */
  runUnit(task: UnitTask): Promise<UnitAnswer>;
  /** New connections for what comes next. */
  renew(): void;
}
