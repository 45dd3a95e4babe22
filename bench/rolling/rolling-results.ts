import type { CaseResult, RunKey } from '../results.ts';

/** One run of a rolling client, from when it was connected and had nothing to do. Seconds and octets. */
export interface RollingRun extends RunKey {
  /** From the appearance of the log, or the end of the load, until all was done; null: not in the time allowed. */
  drained: number | null;
  /** Changes made, mailboxes changed by a drain. */
  changes: number;
  /** Changes a second that the load achieved. */
  achieved: number | null;
  /** Changes a second before lag grows, where that was searched for. */
  sustained?: number | undefined;
  /** From an answer of the master to its being visible on the replica; lower bounds of what never was. */
  p50: number;
  p99: number;
  most: number;
  /** When the load ended: changes not yet on the replica, and the age of the oldest of them. */
  behind: number;
  lag: number;
  /** Changes not on the replica when the client was stopped. */
  missing: number;
  /** Lines in which the client reported trouble. */
  failures: number;
  cpu: number;
  serverCpu: number;
  peakRss: number;
  up: number | null;
  down: number | null;
  load: number;
}

export type RollingResult = CaseResult<RollingRun>;
