import { median } from '../statistics.ts';
import { groupRuns, pairedRatio } from '../summary.ts';
import type { RollingResult, RollingRun } from './rolling-results.ts';

/** One contender at one round trip: medians of its runs, seconds and octets. */
export interface RollingCell {
  roundTrip: number;
  contender: string;
  rounds: number;
  changes: number;
  /** undefined if not every run was done in the time allowed. */
  drained: number | undefined;
  achieved: number | undefined;
  p50: number;
  p99: number;
  most: number;
  behind: number;
  lag: number;
  missing: number;
  failures: number;
  cpu: number;
  serverCpu: number;
  peakRss: number;
  wire: number | undefined;
}

export function rollingCells(result: RollingResult): RollingCell[] {
  return groupRuns(result.runs).map(cellOf);
}

function cellOf(runs: [RollingRun, ...RollingRun[]]): RollingCell {
  const [first] = runs;
  const of = (value: (run: RollingRun) => number) => median(runs.map(value));
  const known = (value: (run: RollingRun) => number | null) => {
    const values = runs.map(value).filter((each) => each !== null);
    return values.length < runs.length ? undefined : median(values);
  };
  return {
    roundTrip: first.roundTrip,
    contender: first.contender,
    rounds: runs.length,
    changes: of((run) => run.changes),
    drained: known((run) => run.drained),
    achieved: known((run) => run.achieved),
    p50: of((run) => run.p50),
    p99: of((run) => run.p99),
    most: of((run) => run.most),
    behind: of((run) => run.behind),
    lag: of((run) => run.lag),
    missing: of((run) => run.missing),
    failures: runs.reduce((sum, run) => sum + run.failures, 0),
    cpu: of((run) => run.cpu),
    serverCpu: of((run) => run.serverCpu),
    peakRss: of((run) => run.peakRss),
    wire: known((run) => (run.up === null || run.down === null ? null : run.up + run.down)),
  };
}

/** How many times as fast as the C client the contender drained its log; undefined without common rounds. */
export function drainRatio(result: RollingResult, contender: string, roundTrip: number): number | undefined {
  // Not done in the time allowed: as slow as can be.
  const seconds = (run: RollingRun) => run.drained ?? Number.POSITIVE_INFINITY;
  return pairedRatio(result.runs, 'c', contender, roundTrip, seconds);
}
