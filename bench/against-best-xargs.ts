import { cellsOf, speedup } from './cells.ts';
import type { CaseResult } from './results.ts';

/** @returns how many times faster we were than the C client with no deflate, as many at a time as it is fastest with */
export function againstBestXargs(result: CaseResult | undefined, roundTrip: number): number | undefined {
  if (!result) return undefined;
  const [best] = cellsOf(result)
    .filter((cell) => cell.roundTrip === roundTrip && /^xargs\d+:plain$/.test(cell.contender))
    .sort((a, b) => a.wall - b.wall);
  return best && speedup(result, best.contender, 'ours', roundTrip);
}
