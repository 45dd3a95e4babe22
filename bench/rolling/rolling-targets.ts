import { pairedRatio } from '../cells.ts';
import type { Target } from '../target.ts';
import { drainRatio, rollingCells } from './rolling-cells.ts';
import type { RollingResult, RollingRun } from './rolling-results.ts';

/** At 40 ms. */
const DRAIN_TIMES = 15;
/** Seconds, at 40 ms. */
const MOST_LAG = 1;

export function rollingTargets(drain: RollingResult | undefined, lag: RollingResult | undefined): Target[] {
  const drained = drain && drainRatio(drain, 'ours', 40);
  const far = lag && rollingCells(lag).find((cell) => cell.contender === 'ours' && cell.roundTrip === 40);
  return [
    {
      text: 'rolling, 40 ms: mailboxes drained a second, vs C',
      least: `${DRAIN_TIMES}x`,
      found: drained === undefined ? 'not run' : `${drained.toFixed(1)}x`,
      met: drained === undefined ? undefined : drained >= DRAIN_TIMES,
    },
    {
      text: 'rolling, 40 ms, 60 changes a second: lag, p99',
      least: `under ${MOST_LAG} s`,
      found: far === undefined ? 'not run' : `${far.p99.toFixed(2)} s`,
      met: far === undefined ? undefined : far.missing === 0 && far.p99 < MOST_LAG,
    },
    nearTarget(lag, 'p50', (run) => run.p50),
    nearTarget(lag, 'p99', (run) => run.p99),
  ];
}

function nearTarget(
  lag: RollingResult | undefined,
  name: string,
  value: (run: RollingRun) => number,
): Target {
  const ratio = lag && pairedRatio(lag.runs, 'c', 'ours', 0, value);
  return {
    text: `rolling, loopback, 60 changes a second: lag, ${name}, compared with C`,
    least: 'at most 1x',
    found: ratio === undefined ? 'not run' : `${(1 / ratio).toFixed(2)}x`,
    met: ratio === undefined ? undefined : ratio >= 1,
  };
}
