import { againstBestXargs } from './against-best-xargs.ts';
import { type Cell, cellsOf, pairedRatio, speedup } from './cells.ts';
import type { CaseResult } from './results.ts';
import type { Target } from './target.ts';

const MOST_OVER_LINK = 1.15;
/** Compression begins by itself where a connection has been slow for five seconds, and later to this host, where the bench is. */
const DEFLATED = 'ours:deflate';
/** Part of what the C client sends, and leaves on the replica's disk, where 30 percent of the mail is shared. */
const MOST_OF_SHARED = 0.72;
/** Seconds. */
const MOST_FOR_ONE_USER = 0.25;
const MOST_TIMES_C_FOR_ONE_USER = 3;

/** Rows of links, of shared mail and of many small runs. */
export function siteTargets(results: ReadonlyMap<string, CaseResult>): Target[] {
  return [
    atLeast(
      'first copy, loopback, vs the best xargs with no deflate',
      1.2,
      againstBestXargs(results.get('a'), 0),
    ),
    ...linkTargets(results.get('l-100')),
    ...sharedTargets(results.get('s')),
    ...oneUserTargets(results.get('u')),
  ];
}

function linkTargets(result: CaseResult | undefined): Target[] {
  const overOctets = (contender: string): number | undefined => {
    if (!result) return undefined;
    const cell = cellOf(result, contender, 40);
    return cell?.wire === undefined ? undefined : cell.wall / (cell.wire / result.work.rate);
  };
  const wire =
    result && pairedRatio(result.runs, DEFLATED, 'c', 40, (run) => (run.up ?? 0) + (run.down ?? 0));
  const link = 'first copy, 100 Mbit/s, 40 ms';
  return [
    atMost(`${link}: time over that of its octets`, MOST_OVER_LINK, overOctets('ours')),
    atMost(`${link}: the same, compressed`, MOST_OVER_LINK, overOctets(DEFLATED)),
    atMost(`${link}: octets on the wire, compressed, compared with C as shipped`, 1.05, wire),
  ];
}

function sharedTargets(result: CaseResult | undefined): Target[] {
  const wire =
    result && pairedRatio(result.runs, 'ours', 'c:plain', 0, (run) => (run.up ?? 0) + (run.down ?? 0));
  const spool = result && pairedRatio(result.runs, 'ours', 'c:plain', 0, (run) => run.spoolOctets ?? 0);
  return [
    atMost('30 percent shared mail: octets on the wire, compared with C', MOST_OF_SHARED, wire),
    atMost("30 percent shared mail: the replica's disk, compared with C", MOST_OF_SHARED, spool),
  ];
}

function oneUserTargets(result: CaseResult | undefined): Target[] {
  const ours = result && cellOf(result, 'ours', 0);
  const times = result && speedup(result, 'c', 'ours', 0);
  return [
    {
      text: 'one user, nothing to do, loopback',
      least: `under ${MOST_FOR_ONE_USER} s`,
      found: ours === undefined ? 'not run' : `${ours.wall.toFixed(2)} s`,
      met: ours === undefined ? undefined : ours.wall < MOST_FOR_ONE_USER,
    },
    atMost(
      'one user, nothing to do, loopback: time, compared with C',
      MOST_TIMES_C_FOR_ONE_USER,
      times === undefined ? undefined : 1 / times,
    ),
  ];
}

function cellOf(result: CaseResult, contender: string, roundTrip: number): Cell | undefined {
  return cellsOf(result).find((cell) => cell.contender === contender && cell.roundTrip === roundTrip);
}

function atLeast(text: string, least: number, found: number | undefined): Target {
  return {
    text,
    least: `${least}x`,
    found: spell(found),
    met: found === undefined ? undefined : found >= least,
  };
}

function atMost(text: string, most: number, found: number | undefined): Target {
  const met = found === undefined ? undefined : found <= most;
  return { text, least: `at most ${most}x`, found: spell(found), met };
}

function spell(ratio: number | undefined): string {
  return ratio === undefined ? 'not run' : `${ratio.toFixed(2)}x`;
}
