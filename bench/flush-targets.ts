import { cellsOf, speedup } from './cells.ts';
import type { CaseResult } from './results.ts';
import { drainRatio } from './rolling/rolling-cells.ts';
import type { RollingResult } from './rolling/rolling-results.ts';
import type { Target } from './target.ts';

/** Rolling results where each flush of the replica costs 5 ms. */
export interface FlushRolling {
  drain: RollingResult | undefined;
}

/** The rows that count most: those of a replica that has to flush, which every mail server has. */
export function flushTargets(results: ReadonlyMap<string, CaseResult>, rolling: FlushRolling): Target[] {
  const copy = results.get('a-flush-5');
  const giant = results.get('d-flush-5');
  const drained = rolling.drain && drainRatio(rolling.drain, 'ours', 0);
  return [
    times('first copy, vs C -A', 8, copy && speedup(copy, 'c', 'ours', 0)),
    times('first copy, vs the best xargs with no deflate', 1.2, againstBestXargs(copy, 0)),
    times('first copy, 40 ms, vs the best xargs with no deflate', 1.5, againstBestXargs(copy, 40)),
    times('one mailbox of 5,000 messages, vs C', 1.5, giant && speedup(giant, 'c', 'ours', 0)),
    times('rolling: mailboxes drained a second, vs C', 8, drained),
  ];
}

function againstBestXargs(result: CaseResult | undefined, roundTrip: number): number | undefined {
  if (!result) return undefined;
  const cells = cellsOf(result).filter((cell) => cell.roundTrip === roundTrip);
  const [best] = cells
    .filter(({ contender }) => /^xargs\d+:plain$/.test(contender))
    .sort((a, b) => a.wall - b.wall);
  return best && speedup(result, best.contender, 'ours', roundTrip);
}

function times(what: string, least: number, found: number | undefined): Target {
  return {
    text: `flush 5 ms: ${what}`,
    least: `${least}x`,
    found: found === undefined ? 'not run' : `${found.toFixed(found < 2 ? 2 : 1)}x`,
    met: found === undefined ? undefined : found >= least,
  };
}
