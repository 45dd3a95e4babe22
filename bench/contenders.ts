import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * Who runs against whom, by a short name:
 *
 *   c            the C client                       c:plain       the same, compression not offered to it
 *   xargs8       eight C clients at a time          xargs8:plain
 *   ours         this program with its defaults     ours8         with eight workers
 *   ours8:deflate   compression on                  ours8:sandbox    against the sandbox instead of Cyrus
 *   rsync        `rsync -a --fsync` of the spool: what the disk takes, whatever is made of it
 *   before, before8 ...   another build of this program, given with --before
 *   verify, verify1 ...   a comparison instead of a run: `cyrus-sync verify`
 *   ours:verify     each user compared afterwards     ours:pass       rolling, with a pass over 1,000 users an hour
 *   ours:watched    on a terminal with its display, with a page, metrics and a control socket that somebody asks
 *   verify1:tight   with a heap of 24 MB: what is garbage does not count
 */
export interface Contender {
  name: string;
  client: 'c' | 'xargs' | 'rsync' | 'ours' | 'before' | 'verify';
  /** Processes or workers; undefined = one, or the default of ours. */
  count: number | undefined;
  /** Compression: as each side does anyway (`default`), or on or off for this run. */
  compression: 'default' | 'on' | 'off';
  sandbox: boolean;
  /** Each user is compared afterwards. */
  verifies: boolean;
  /** Rolling, with full_pass. */
  passes: boolean;
  /** By all means that there are. */
  watched: boolean;
  /** V8 gets a small heap, which leaves little room for garbage. */
  tight: boolean;
}

export function parseContender(name: string): Contender {
  const match =
    /^(c|xargs(?=\d)|rsync|ours|before|verify)(\d*)((?::(?:plain|deflate|sandbox|verify|pass|watched|tight))*)$/.exec(
      name,
    );
  if (match === null) {
    throw new Error(`expected a contender such as c, xargs8:plain or ours8:deflate, found "${name}"`);
  }
  const [, client = '', count = '', extras = ''] = match;
  const extra = new Set(extras.split(':'));
  return {
    name,
    client: client as Contender['client'],
    count: count === '' ? undefined : Number(count),
    compression: extra.has('plain') ? 'off' : extra.has('deflate') ? 'on' : 'default',
    sandbox: extra.has('sandbox'),
    verifies: extra.has('verify'),
    passes: extra.has('pass'),
    watched: extra.has('watched'),
    tight: extra.has('tight'),
  };
}

/** Megabytes for what is not young in the heap of a `tight` contender. */
export const TIGHT_MB = 24;
const C_CLIENT = '/usr/lib/cyrus/bin/sync_client';
/** In a build of this program, as they are installed. */
const COMMAND = join('bin', 'sync_client');
const VERBS = join('bin', 'cyrus-sync');
const BUILD = join(import.meta.dirname, '..');
/** Calls of each of the parallel C clients, so that they end at about the same time and yet log in seldom. */
const CALLS_PER_SLOT = 4;
/** The young part of the heap has the room that the launcher gives it. */
const TIGHT_HEAP = [`--max-old-space-size=${TIGHT_MB}`, '--max-semi-space-size=4'];
/** Seconds for each user: 1,000 in an hour. */
const PASS_SECONDS = 3.6;

export interface CommandLine {
  command: string[];
  input: string;
}

export interface CommandOptions {
  /** All users of the store. */
  users: readonly string[];
  /** A directory of the master, for the settings file of ours. */
  directory: string;
  /** Where ours is to leave CPU profiles. */
  profile?: string | undefined;
  /** Where whoever is watched can be asked. */
  watch?: { port: number; control: string } | undefined;
  /** Where `rsync` copies the spool to. */
  spool?: string | undefined;
  /** `dist` of the other build. */
  before?: string | undefined;
  /** The arguments, except for `xargs`, which always takes all users. */
  mode?: '-A' | '-R' | '-u';
}

export async function commandLine(
  contender: Contender,
  configFile: string,
  { users, directory, profile, watch, spool, before, mode = '-A' }: CommandOptions,
): Promise<CommandLine> {
  const named = mode === '-u' ? users : [];
  switch (contender.client) {
    case 'c':
      return { command: [C_CLIENT, '-C', configFile, '-o', mode, ...named], input: '' };
    case 'xargs': {
      const processes = contender.count ?? 1;
      const each = Math.max(1, Math.floor(users.length / (processes * CALLS_PER_SLOT)));
      const command = ['xargs', '-P', String(processes), '-n', String(each)];
      return { command: [...command, C_CLIENT, '-C', configFile, '-o', '-u'], input: users.join('\n') };
    }
    case 'rsync':
      if (spool === undefined || mode !== '-A') throw new TypeError('rsync makes first copies alone');
      return { command: ['rsync', '-a', '--fsync', join(directory, 'spool/'), `${spool}/`], input: '' };
    case 'ours':
    case 'verify':
    case 'before': {
      const build = contender.client === 'before' ? before : BUILD;
      if (build === undefined) throw new TypeError('--before: where is the build that "before" is to run?');
      const settings = join(directory, 'bench-settings.ini');
      const compression = contender.compression === 'default' ? 'auto' : contender.compression;
      const pass = Math.max(1, Math.round(users.length * PASS_SECONDS));
      const passing = contender.passes ? `full_pass = ${pass}s\n` : '';
      await writeFile(settings, `compression = ${compression}\n${passing}`);
      const isVerify = contender.client === 'verify';
      const command = started(join(build, isVerify ? VERBS : COMMAND), profile, contender.tight);
      if (isVerify) command.push('verify');
      command.push('-C', configFile);
      command.push('--settings', settings, watch ? '--progress' : '--no-progress', '-o');
      if (watch) command.push('--metrics', `127.0.0.1:${watch.port}`, '--control', watch.control);
      if (contender.verifies) command.push('--verify');
      if (contender.count !== undefined) command.push('--workers', String(contender.count));
      command.push(mode, ...named);
      return { command: watch ? onTerminal(command) : command, input: '' };
    }
  }
}

/** Only without the launcher can Node be told to leave profiles, or to have less room. */
function started(program: string, profile: string | undefined, tight: boolean): string[] {
  const profiling = profile === undefined ? [] : ['--cpu-prof', '--cpu-prof-dir', profile];
  const options = tight ? [...profiling, ...TIGHT_HEAP] : profiling;
  return options.length === 0 ? [program] : [process.execPath, ...options, `${program}.cjs`];
}

/** util-linux's `script` gives it a terminal of its own, and ends with its exit code. */
function onTerminal(command: readonly string[]): string[] {
  const quoted = command.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(' ');
  return ['env', 'TERM=xterm', 'script', '-qec', quoted, '/dev/null'];
}
