import type { Batch, Outcome } from './messages.ts';

/** Whoever runs batches: threads, or for a small run this very thread. */
export interface WorkerPool {
  /**
   * Resolves when every event of the batch has been delivered.
   *
   * @throws SyncError BUG if the worker died
   */
  run(batch: Batch): Promise<Outcome[]>;
  /** Jobs not begun come back untouched; those in flight go on. */
  cancel(): void;
  /** Cuts every link; jobs in flight fail. */
  cut(): void;
  /** Takes leave of the replica, within a limited time, and ends the workers. Never rejects. */
  close(): Promise<void>;
}
