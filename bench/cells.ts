import { TIGHT_MB } from './contenders.ts';
import type { CaseResult, Run, RunKey } from './results.ts';
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
  /** Processor seconds of the proxy that is the link; undefined where none was, or nothing counted them. */
  linkCpu: number | undefined;
  /** Processors that nobody used, in the mean; undefined where nothing looked. */
  idleProcessors: number | undefined;
  /** Octets of the replica's spool; undefined where nothing counted them. */
  spool: number | undefined;
  /** Seconds for which the replica's list of mailboxes was locked; undefined where nothing noted them. */
  listLocked: number | undefined;
  /** Seconds to the first octet sent; undefined where nothing saw it. */
  firstOctet: number | undefined;
}

export function cellsOf(result: CaseResult): Cell[] {
  return groupRuns(result.runs).map(cellOf);
}

function cellOf(runs: [Run, ...Run[]]): Cell {
  const [first] = runs;
  const of = (value: (run: Run) => number) => median(runs.map(value));
  const known = (value: (run: Run) => number | null | undefined): number | undefined => {
    const values = runs.map(value).filter((each) => typeof each === 'number');
    return values.length === 0 ? undefined : median(values);
  };
  return {
    roundTrip: first.roundTrip,
    contender: first.contender,
    rounds: runs.length,
    linkCpu: known((run) => run.linkCpu),
    idleProcessors: known((run) => run.idleProcessors),
    spool: known((run) => run.spoolOctets),
    listLocked: known((run) => run.listLockedSeconds),
    wall: of((run) => run.wall),
    cpu: of((run) => run.user + run.system),
    serverCpu: of((run) => run.serverCpu),
    peakRss: of((run) => run.peakRss),
    wire: known((run) => (run.up === null ? null : run.up + (run.down ?? 0))),
    firstOctet: known((run) => run.firstOctet),
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
  return pairedRatio(result.runs, base, contender, roundTrip, (run) => run.wall);
}

/** The median of what `base` has of something, in each round, divided by what `contender` has of it. */
export function pairedRatio<R extends RunKey>(
  runs: readonly R[],
  base: string,
  contender: string,
  roundTrip: number,
  value: (run: R) => number,
): number | undefined {
  const valuesOf = (name: string) =>
    new Map(
      runs
        .filter((run) => run.contender === name && run.roundTrip === roundTrip)
        .map((run) => [run.round, value(run)]),
    );
  const bases = valuesOf(base);
  const ratios: number[] = [];
  for (const [round, own] of valuesOf(contender)) {
    const against = bases.get(round);
    if (against !== undefined) ratios.push(against / own);
  }
  return ratios.length === 0 ? undefined : median(ratios);
}

/** Runs of one contender at one round trip, by round trip and then as `byContender` has it. */
export function groupRuns<R extends RunKey>(runs: readonly R[]): [R, ...R[]][] {
  const grouped = new Map<string, [R, ...R[]]>();
  for (const run of runs) {
    const key = `${run.roundTrip} ${run.contender}`;
    const group = grouped.get(key);
    if (group === undefined) grouped.set(key, [run]);
    else group.push(run);
  }
  return [...grouped.values()].sort(
    ([a], [b]) => a.roundTrip - b.roundTrip || byContender(a.contender, b.contender),
  );
}

const CLIENTS = ['c', 'xargs', 'rsync', 'before', 'ours', 'verify'];

/** The C client, then many of it, then ours; fewer before more. */
export function byContender(a: string, b: string): number {
  const key = (name: string) => {
    const [, client = '', count = '', rest = ''] = /^([a-z]+)(\d*)(.*)$/.exec(name) ?? [];
    return [CLIENTS.indexOf(client), Number(count), rest] as const;
  };
  const [x, y] = [key(a), key(b)];
  return x[0] - y[0] || x[1] - y[1] || (x[2] < y[2] ? -1 : x[2] > y[2] ? 1 : 0);
}

/** @param mode of the C client */
export function displayName(contender: string, mode: '-A' | '-R' = '-A'): string {
  const [, client = '', count = '', rest = ''] = /^([a-z]+)(\d*)(.*)$/.exec(contender) ?? [];
  const extras = rest
    .split(':')
    .filter((each) => each !== '')
    .map((each) => EXTRAS[each] ?? each);
  const name =
    client === 'c'
      ? `C client ${mode}`
      : client === 'rsync'
        ? 'rsync -a --fsync of the spool'
        : client === 'xargs'
          ? `xargs -P ${count} of the C client`
          : `${PROGRAMS[client] ?? 'cyrus-sync'}, ${workersOf(count)}`;
  return [name, ...extras].join(', ');
}

function workersOf(count: string): string {
  return count === '' ? 'defaults' : `${count} worker${count === '1' ? '' : 's'}`;
}

const PROGRAMS: Record<string, string> = { before: 'cyrus-sync before', verify: 'cyrus-sync verify' };

const EXTRAS: Record<string, string> = {
  plain: 'no deflate',
  deflate: 'deflate',
  sandbox: 'to the sandbox',
  verify: '--verify',
  pass: 'full_pass',
  watched: 'watched',
  tight: `a heap of ${TIGHT_MB} MB`,
};
