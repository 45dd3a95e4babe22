import { againstBestXargs } from './against-best-xargs.ts';
import { pairedRatio, speedup } from './cells.ts';
import type { CaseResult } from './results.ts';
import { drainRatio } from './rolling/rolling-cells.ts';
import type { RollingResult } from './rolling/rolling-results.ts';
import type { Target } from './target.ts';

/** Rolling results where each flush of the replica costs 5 ms. */
export interface FlushRolling {
  drain: RollingResult | undefined;
  lag: RollingResult | undefined;
  rate: RollingResult | undefined;
}

/** The rows that count most: those of a replica that has to flush, which every mail server has. */
export function flushTargets(results: ReadonlyMap<string, CaseResult>, rolling: FlushRolling): Target[] {
  const copy = results.get('a-flush-5');
  const giant = results.get('d-flush-5');
  const small = results.get('a-small-flush-5');
  const drained = rolling.drain && drainRatio(rolling.drain, 'ours', 0);
  const lag = rolling.lag && pairedRatio(rolling.lag.runs, 'c', 'ours', 0, ({ p99 }) => p99);
  const rate =
    rolling.rate && pairedRatio(rolling.rate.runs, 'ours', 'c', 0, ({ sustained }) => sustained ?? 0);
  return [
    times('first copy, vs C -A', 8, copy && speedup(copy, 'c', 'ours', 0)),
    times('first copy, vs the best xargs with no deflate', 1.2, againstBestXargs(copy, 0)),
    times('first copy, 40 ms, vs the best xargs with no deflate', 1.5, againstBestXargs(copy, 40)),
    times('first copy of 24 users, vs C -A', 6, small && speedup(small, 'c', 'ours', 0)),
    times('first copy of 24 users, vs the best xargs with no deflate', 1.1, againstBestXargs(small, 0)),
    times('one mailbox of 5,000 messages, vs C', 1.5, giant && speedup(giant, 'c', 'ours', 0)),
    times('rolling: mailboxes drained a second, vs C', 8, drained),
    times('rolling: changes a second before lag grows, vs C', 5, rate),
    times('rolling, 60 changes a second: lag, p99, smaller than that of C', 3, lag),
  ];
}

function times(what: string, least: number, found: number | undefined): Target {
  return {
    text: `flush 5 ms: ${what}`,
    least: `${least}x`,
    found: found === undefined ? 'not run' : `${found.toFixed(found < 2 ? 2 : 1)}x`,
    met: found === undefined ? undefined : found >= least,
  };
}
