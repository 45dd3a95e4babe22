import { cellsOf, speedup } from './cells.ts';
import { type FlushRolling, flushTargets } from './flush-targets.ts';
import type { CaseResult } from './results.ts';
import type { RollingResults } from './rolling/rolling-report.ts';
import { rollingTargets } from './rolling/rolling-targets.ts';
import { siteTargets } from './site-targets.ts';
import { sizeTargets } from './size-targets.ts';
import type { Target } from './target.ts';
import { verifyTargets } from './verify-targets.ts';

interface SpeedTarget {
  text: string;
  case: string;
  base: string;
  contender: string;
  roundTrip: number;
  times: number;
}

const SPEED: readonly SpeedTarget[] = [
  speed('first copy, loopback, defaults, vs C -A', 'a', 'c', 'ours', 0, 3.2),
  speed('first copy, loopback, defaults, vs xargs -P 8', 'a', 'xargs8', 'ours', 0, 2),
  speed('first copy, 40 ms, defaults, vs C -A', 'a', 'c', 'ours', 40, 10),
  speed('first copy, 40 ms, 8 connections, vs xargs -P 16', 'a', 'xargs16', 'ours8', 40, 2),
  speed('first copy, 100 ms, defaults, vs C -A', 'a', 'c', 'ours', 100, 18),
  speed('nothing to do, 40 ms, vs C -A', 'b', 'c', 'ours', 40, 15),
  speed('nothing to do, loopback, vs C -A', 'b', 'c', 'ours', 0, 1.5),
  speed('1 percent changed, 40 ms, vs C -A', 'c', 'c', 'ours', 40, 8),
  speed('first copy, one connection, 40 ms, vs C -A', 'a', 'c', 'ours1', 40, 4),
  speed('one giant mailbox, 40 ms, vs C', 'd', 'c', 'ours', 40, 2),
];

function speed(
  text: string,
  id: string,
  base: string,
  contender: string,
  roundTrip: number,
  times: number,
): SpeedTarget {
  return { text, case: id, base, contender, roundTrip, times };
}

const FLOOR_DISTANCE = 1.25;
const PEAK_MEMORY = 600e6;

/**
 * @param results by case id
 * @param rolling where flushes cost nothing, and where each costs 5 ms
 */
export function targetsOf(
  results: ReadonlyMap<string, CaseResult>,
  rolling: RollingResults,
  flushRolling: FlushRolling,
): Target[] {
  const targets = SPEED.map((each): Target => {
    const result = results.get(each.case);
    const ratio = result && speedup(result, each.base, each.contender, each.roundTrip);
    return {
      text: each.text,
      least: `${each.times}x`,
      found: ratio === undefined ? 'not run' : `${ratio.toFixed(1)}x`,
      met: ratio === undefined ? undefined : ratio >= each.times,
    };
  });
  return [
    ...flushTargets(results, flushRolling),
    ...siteTargets(results),
    ...targets,
    ...firstCopyTargets(results.get('a')),
    ...rollingTargets(rolling.drain, rolling.lag),
    ...sizeTargets(results),
    ...verifyTargets(results, rolling.pass),
  ];
}

function firstCopyTargets(result: CaseResult | undefined): Target[] {
  if (result === undefined) return [];
  const cells = cellsOf(result);
  const cell = (contender: string) =>
    cells.find((each) => each.contender === contender && each.roundTrip === 0);
  const [ours, ours8, c, plain] = ['ours', 'ours8', 'c', 'c:plain'].map(cell);
  const { cores } = result.machine;
  const targets: Target[] = [];
  if (ours !== undefined) {
    const distance = ours.wall / (ours.serverCpu / cores);
    const both = ours.wall / ((ours.serverCpu + ours.cpu) / cores);
    targets.push({
      text: 'first copy, loopback: time over the floor (replica CPU / cores)',
      least: `within ${FLOOR_DISTANCE}x`,
      found: `${distance.toFixed(2)}x; ${both.toFixed(2)}x if the client's CPU counts too`,
      met: distance <= FLOOR_DISTANCE,
    });
  }
  if (ours !== undefined && plain !== undefined) {
    targets.push(cpuTarget('the C client with no deflate', ours.cpu / plain.cpu, 1.25));
  }
  if (ours !== undefined && c !== undefined) {
    targets.push(cpuTarget('the C client as shipped', ours.cpu / c.cpu, 0.25));
  }
  if (ours8 !== undefined) {
    targets.push({
      text: 'peak memory, first copy, 8 workers',
      least: `under ${PEAK_MEMORY / 1e6} MB`,
      found: `${(ours8.peakRss / 1e6).toFixed(0)} MB`,
      met: ours8.peakRss < PEAK_MEMORY,
    });
  }
  return targets;
}

function cpuTarget(base: string, ratio: number, most: number): Target {
  return {
    text: `first copy, loopback, client CPU compared with ${base}`,
    least: `at most ${most}x`,
    found: `${ratio.toFixed(2)}x`,
    met: ratio <= most,
  };
}
