import { groupRuns, pairedRatio } from '../cells.ts';
import { median } from '../statistics.ts';
import type { RollingResult, RollingRun } from './rolling-results.ts';

const MEDIANS = [
  ...(['changes', 'p50', 'p99', 'most', 'behind', 'lag', 'missing'] as const),
  ...(['cpu', 'serverCpu', 'peakRss'] as const),
] as const;

/** One contender at one round trip: medians of its runs, see `RollingRun`. */
export interface RollingCell extends Record<(typeof MEDIANS)[number], number> {
  roundTrip: number;
  contender: string;
  rounds: number;
  /** undefined if not every run was done in the time allowed. */
  drained: number | undefined;
  achieved: number | undefined;
  sustained: number | undefined;
  /** In all runs. */
  failures: number;
  /** Octets both ways. */
  wire: number | undefined;
}

export function rollingCells(result: RollingResult): RollingCell[] {
  return groupRuns(result.runs).map(cellOf);
}

function cellOf(runs: [RollingRun, ...RollingRun[]]): RollingCell {
  const [{ roundTrip, contender }] = runs;
  const known = (value: (run: RollingRun) => number | null) => {
    const values = runs.map(value).filter((each) => each !== null);
    return values.length < runs.length ? undefined : median(values);
  };
  const medians = MEDIANS.map((key) => [key, median(runs.map((run) => run[key]))]);
  return {
    ...(Object.fromEntries(medians) as Record<(typeof MEDIANS)[number], number>),
    roundTrip,
    contender,
    rounds: runs.length,
    drained: known((run) => run.drained),
    achieved: known((run) => run.achieved),
    sustained: known((run) => run.sustained ?? null),
    failures: runs.reduce((sum, run) => sum + run.failures, 0),
    wire: known((run) => (run.up === null || run.down === null ? null : run.up + run.down)),
  };
}

/** How many times as fast as the C client the contender drained its log; undefined without common rounds. */
export function drainRatio(result: RollingResult, contender: string, roundTrip: number): number | undefined {
  // Not done in the time allowed: as slow as can be.
  const seconds = (run: RollingRun) => run.drained ?? Number.POSITIVE_INFINITY;
  return pairedRatio(result.runs, 'c', contender, roundTrip, seconds);
}
