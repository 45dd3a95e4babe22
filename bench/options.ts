import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type Flush, parseFlush } from './flush/flush.ts';

export interface BenchOptions {
  /** Cases to run, in order; empty = all. */
  cases: readonly string[];
  /** Sizes of the document instead of those that take minutes. */
  full: boolean;
  /** Milliseconds; undefined = those of the case. */
  roundTrips: readonly number[] | undefined;
  contenders: readonly string[] | undefined;
  /** undefined: those of the size. */
  rounds: number | undefined;
  users: number | undefined;
  megabytes: number | undefined;
  messages: number | undefined;
  /** Costs of a flush of the replica; each case is run with each. */
  flushes: readonly Flush[];
  /** Octets per second and direction of every link with a delay; 0 = unlimited. */
  rate: number;
  /** Also put the proxy in between at 0 ms, to count octets. It costs processor time that the direct run does not. */
  countAtZero: boolean;
  resultsDirectory: string;
  /** Stores are cached and servers are run below this. */
  workDirectory: string;
  /** Where replicas are whose flushes are to cost what this machine's disk makes of them. */
  diskDirectory: string;
  /** Throw older results of the case away. */
  fresh: boolean;
  /** Milliseconds for one run. */
  deadline: number;
  /** Where runs of ours leave a CPU profile of each thread; such runs are not kept as results. */
  profile: string | undefined;
  /** `dist` of another build of this program, which contender `before` runs. */
  before: string | undefined;
}

export const USAGE = `Usage: npm run bench -- [CASE...] [options]

Cases: a first copy, b nothing to do, c 1 percent changed, d one giant mailbox, e many tiny users,
       f rolling, g micro, k cold source, l links with a rate, m memory, n large stores, q quotas, s shared mail, u one user, v verify, w watched,
       proxy (checks the delay proxy), calls (counts the replica's calls on files), report (docs from the results). Default: all. f-lag, m-10000, n-folders-same and the like are one of several.

  --full               the sizes of docs/performance.md (hours); default: small ones (minutes)
  --rtt 0,10,40,100    round trips in milliseconds (default 0,40; with --full these four)
  --contenders LIST    c, c:plain, xargs8, xargs8:plain, rsync, ours, ours8, ours8:deflate, ours8:sandbox ...
  --rounds N           paired runs of each contender (default 2, with --full 3)
  --users N  --megabytes N  --messages N    size of the store
  --flush 0,1,5,disk   what each flush of the replica costs, in milliseconds, or the machine's own disk (default 0)
  --disk DIR           a directory on that disk (default /var/tmp)
  --rate OCTETS        limit of the link, octets a second
  --count-at-zero      count octets on the wire at 0 ms too, through the proxy
  --work DIR           caches and servers (default: $CYRUS_SYNC_BENCH, or a directory in memory)
  --results DIR        default: bench/results
  --fresh              do not resume; start the case over
  --profile DIR        CPU profiles of our runs instead of results; prints where the time went
  --before DIR         dist of another build of this program: contenders before, before8 ...
  --deadline SECONDS   for one run (default 1800)
`;

/** Compiled to dist/bench; results are kept with the sources. */
export const PROJECT = join(import.meta.dirname, '..', '..');

/** @throws TypeError for an unknown option */
export function parseOptions(argv: readonly string[]): BenchOptions | undefined {
  const { values, positionals } = parseArgs({
    args: [...argv],
    allowPositionals: true,
    options: {
      help: { type: 'boolean', short: 'h' },
      full: { type: 'boolean' },
      rtt: { type: 'string' },
      contenders: { type: 'string' },
      rounds: { type: 'string' },
      users: { type: 'string' },
      megabytes: { type: 'string' },
      messages: { type: 'string' },
      flush: { type: 'string' },
      disk: { type: 'string' },
      rate: { type: 'string' },
      'count-at-zero': { type: 'boolean' },
      work: { type: 'string' },
      results: { type: 'string' },
      fresh: { type: 'boolean' },
      deadline: { type: 'string' },
      profile: { type: 'string' },
      before: { type: 'string' },
    },
  });
  if (values.help === true) return undefined;
  return {
    cases: positionals,
    full: values.full ?? false,
    roundTrips: values.rtt?.split(',').map((each) => number('--rtt', each)),
    contenders: values.contenders?.split(','),
    rounds: optional('--rounds', values.rounds),
    users: optional('--users', values.users),
    megabytes: optional('--megabytes', values.megabytes),
    messages: optional('--messages', values.messages),
    flushes: values.flush?.split(',').map(parseFlush) ?? [0],
    rate: optional('--rate', values.rate) ?? 0,
    countAtZero: values['count-at-zero'] ?? false,
    resultsDirectory: values.results ?? join(PROJECT, 'bench', 'results'),
    workDirectory: values.work ?? process.env.CYRUS_SYNC_BENCH ?? join(memory(), 'cyrus-sync-bench'),
    diskDirectory: values.disk ?? '/var/tmp',
    fresh: values.fresh ?? false,
    deadline: (optional('--deadline', values.deadline) ?? 1800) * 1000,
    profile: values.profile,
    before: values.before,
  };
}

/** Where a flush costs nothing but what `--flush` says; the usual temporary directory where there is no such place. */
function memory(): string {
  return existsSync('/dev/shm') ? '/dev/shm' : tmpdir();
}

function optional(option: string, text: string | undefined): number | undefined {
  return text === undefined ? undefined : number(option, text);
}

function number(option: string, text: string): number {
  const value = Number(text);
  if (!Number.isFinite(value) || value < 0 || text.trim() === '') {
    throw new TypeError(`${option}: expected a number, found "${text}"`);
  }
  return value;
}
