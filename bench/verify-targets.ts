import { cellsOf, pairedRatio, speedup } from './cells.ts';
import { TIGHT_MB } from './contenders.ts';
import type { CaseResult, Run } from './results.ts';
import type { RollingResult, RollingRun } from './rolling/rolling-results.ts';
import type { Target } from './target.ts';

/** Seconds, at 40 ms. */
const MOST_SECONDS = 2;
/** How much more memory a larger store may take. */
const FLATNESS = 1.5;
/** The price that a proof may have right after a first copy. */
const MOST_OF_A_COPY = 1.03;
/** The price of being watched. */
const MOST_OF_WATCHED = 1.02;
/** The price that a pass over everybody may have beside rolling replication. */
const MOST_OF_ROLLING = 1.02;

/** @param results by case id */
export function verifyTargets(
  results: ReadonlyMap<string, CaseResult>,
  pass: RollingResult | undefined,
): Target[] {
  const same = results.get('v-same');
  const copy = results.get('v-copy');
  const seconds = cell(same, 'verify', 40)?.wall;
  const pace = same && speedup(same, 'ours', 'verify', 40);
  return [
    {
      text: 'verify, 1,000 users alike, 40 ms',
      least: `under ${MOST_SECONDS} s`,
      found: seconds === undefined ? 'not run' : `${seconds.toFixed(2)} s`,
      met: seconds === undefined ? undefined : seconds < MOST_SECONDS,
    },
    {
      text: 'verify, 1,000 users alike, 40 ms, compared with -A',
      least: 'at most 1x',
      found: pace === undefined ? 'not run' : `${(1 / pace).toFixed(2)}x`,
      met: pace === undefined ? undefined : pace >= 1,
    },
    within(
      'verify, 1,000 users alike, 40 ms, compared with -A: processor seconds of both ends',
      same && pairedRatio(same.runs, 'ours', 'verify', 40, processor),
      1,
    ),
    memory(results, 'verify1', 'one connection'),
    memory(results, 'verify1:tight', `a heap of ${TIGHT_MB} MB`),
    cost('flush 5 ms: first copy with --verify: time', results.get('v-copy-flush-5'), 0, ({ wall }) => wall),
    cost('first copy with --verify, loopback: time', copy, 0, ({ wall }) => wall),
    cost('first copy with --verify, 40 ms: time', copy, 40, ({ wall }) => wall),
    cost('first copy with --verify, loopback: processor seconds of both ends', copy, 0, processor),
    rolling(pass),
    watched('loopback: time', results.get('w'), 0, ({ wall }) => wall),
    watched('40 ms: time', results.get('w'), 40, ({ wall }) => wall),
    watched('loopback: processor seconds of both ends', results.get('w'), 0, processor),
  ];
}

function processor({ user, system, serverCpu }: Run): number {
  return user + system + serverCpu;
}

function cost(
  text: string,
  result: CaseResult | undefined,
  roundTrip: number,
  value: (run: Run) => number,
): Target {
  const ratio = result && pairedRatio(result.runs, 'ours', 'ours:verify', roundTrip, value);
  return within(text, ratio, MOST_OF_A_COPY);
}

function rolling(pass: RollingResult | undefined): Target {
  const value = ({ cpu, serverCpu }: RollingRun): number => cpu + serverCpu;
  const ratio = pass && pairedRatio(pass.runs, 'ours', 'ours:pass', 0, value);
  const text = 'rolling with a pass over 1,000 users an hour: processor seconds of both ends';
  return within(text, ratio, MOST_OF_ROLLING);
}

function watched(
  text: string,
  result: CaseResult | undefined,
  roundTrip: number,
  value: (run: Run) => number,
): Target {
  const ratio = result && pairedRatio(result.runs, 'ours', 'ours:watched', roundTrip, value);
  return within(`first copy with display, page, metrics and control in use, ${text}`, ratio, MOST_OF_WATCHED);
}

/** @param ratio of what it is without to what it is with */
function within(text: string, ratio: number | undefined, most: number): Target {
  return {
    text,
    least: `within ${most}x`,
    found: ratio === undefined ? 'not run' : `${(1 / ratio).toFixed(3)}x`,
    met: ratio === undefined ? undefined : 1 / ratio <= most,
  };
}

function memory(results: ReadonlyMap<string, CaseResult>, contender: string, how: string): Target {
  const [small, large] = ['v-1000', 'v-100000'].map((id) => cell(results.get(id), contender, 0)?.peakRss);
  const ratio = small === undefined || large === undefined ? undefined : large / small;
  const mb = (octets = 0): string => `${(octets / 1e6).toFixed(0)} MB`;
  return {
    text: `peak memory of verify, 100,000 mailboxes, compared with 1,000, ${how}`,
    least: `within ${FLATNESS}x`,
    found: ratio === undefined ? 'not run' : `${ratio.toFixed(2)}x (${mb(small)}, ${mb(large)})`,
    met: ratio === undefined ? undefined : ratio <= FLATNESS,
  };
}

function cell(result: CaseResult | undefined, contender: string, roundTrip: number) {
  return (
    result && cellsOf(result).find((each) => each.contender === contender && each.roundTrip === roundTrip)
  );
}
