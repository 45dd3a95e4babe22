import type { CaseResult, Run } from './results.ts';
import { median } from './statistics.ts';

/** One contender at one round trip. */
export interface Cell {
  roundTrip: number;
  contender: string;
  rounds: number;
  /** Medians; seconds and octets. */
  wall: number;
  cpu: number;
  serverCpu: number;
  peakRss: number;
  /** Octets both ways; undefined where nothing counted them. */
  wire: number | undefined;
  /** Seconds to the first octet sent; undefined where nothing saw it. */
  firstOctet: number | undefined;
}

export function cellsOf(result: CaseResult): Cell[] {
  const grouped = new Map<string, Run[]>();
  for (const run of result.runs) {
    const key = `${run.roundTrip} ${run.contender}`;
    grouped.set(key, [...(grouped.get(key) ?? []), run]);
  }
  return [...grouped.values()]
    .map(cellOf)
    .sort((a, b) => a.roundTrip - b.roundTrip || byContender(a.contender, b.contender));
}

function cellOf(runs: readonly Run[]): Cell {
  const first = runs[0];
  if (first === undefined) throw new Error('a cell without runs');
  const of = (value: (run: Run) => number) => median(runs.map(value));
  const counted = runs.filter((run) => run.up !== null);
  const firsts = runs.flatMap((run) => (typeof run.firstOctet === 'number' ? [run.firstOctet] : []));
  return {
    roundTrip: first.roundTrip,
    contender: first.contender,
    rounds: runs.length,
    wall: of((run) => run.wall),
    cpu: of((run) => run.user + run.system),
    serverCpu: of((run) => run.serverCpu),
    peakRss: of((run) => run.peakRss),
    wire: counted.length === 0 ? undefined : median(counted.map((run) => (run.up ?? 0) + (run.down ?? 0))),
    firstOctet: firsts.length === 0 ? undefined : median(firsts),
  };
}

/**
 * How many times faster than `base` the contender was: the median of the ratios of runs of one round, which ran one
 * after the other and so under the same weather. undefined without common rounds.
 */
export function speedup(
  result: CaseResult,
  base: string,
  contender: string,
  roundTrip: number,
): number | undefined {
  const wallOf = (name: string) =>
    new Map(
      result.runs
        .filter((run) => run.contender === name && run.roundTrip === roundTrip)
        .map((run) => [run.round, run.wall]),
    );
  const bases = wallOf(base);
  const ratios: number[] = [];
  for (const [round, wall] of wallOf(contender)) {
    const against = bases.get(round);
    if (against !== undefined) ratios.push(against / wall);
  }
  return ratios.length === 0 ? undefined : median(ratios);
}

const CLIENTS = ['c', 'xargs', 'ours'];

/** The C client, then many of it, then ours; fewer before more. */
export function byContender(a: string, b: string): number {
  const key = (name: string) => {
    const [, client = '', count = '', rest = ''] = /^([a-z]+)(\d*)(.*)$/.exec(name) ?? [];
    return [CLIENTS.indexOf(client), Number(count), rest] as const;
  };
  const [x, y] = [key(a), key(b)];
  return x[0] - y[0] || x[1] - y[1] || (x[2] < y[2] ? -1 : x[2] > y[2] ? 1 : 0);
}

export function displayName(contender: string): string {
  const [, client = '', count = '', rest = ''] = /^([a-z]+)(\d*)(.*)$/.exec(contender) ?? [];
  const extras = rest
    .split(':')
    .filter((each) => each !== '')
    .map((each) => EXTRAS[each] ?? each);
  const name =
    client === 'c'
      ? 'C client -A'
      : client === 'xargs'
        ? `xargs -P ${count} of the C client`
        : count === ''
          ? 'cyrus-sync, defaults'
          : `cyrus-sync, ${count} worker${count === '1' ? '' : 's'}`;
  return [name, ...extras].join(', ');
}

const EXTRAS: Record<string, string> = {
  plain: 'no deflate',
  deflate: 'deflate',
  sandbox: 'to the sandbox',
};
