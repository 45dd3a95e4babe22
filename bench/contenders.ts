import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * Who runs against whom, by a short name:
 *
 *   c            the C client                       c:plain       the same, compression not offered to it
 *   xargs8       eight C clients at a time          xargs8:plain
 *   ours         this program with its defaults     ours8         with eight workers
 *   ours8:deflate   compression on                  ours8:sandbox    against the sandbox instead of Cyrus
 */
export interface Contender {
  name: string;
  client: 'c' | 'xargs' | 'ours';
  /** Processes or workers; undefined = one, or the default of ours. */
  count: number | undefined;
  /** What each side does anyway (`default`), or on or off for this run. */
  compression: 'default' | 'on' | 'off';
  sandbox: boolean;
}

export function parseContender(name: string): Contender {
  const match = /^(c|xargs(?=\d)|ours)(\d*)((?::(?:plain|deflate|sandbox))*)$/.exec(name);
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
  };
}

const C_CLIENT = '/usr/lib/cyrus/bin/sync_client';
const OURS = join(import.meta.dirname, '..', 'bin', 'sync_client.cjs');
/** Calls of each of the parallel C clients, so that they end at about the same time and yet log in seldom. */
const CALLS_PER_SLOT = 4;

export interface CommandLine {
  command: string[];
  input: string;
}

/**
 * @param users all users of the store
 * @param directory of the master, for the settings file of ours
 * @param profile where ours is to leave CPU profiles
 * @param mode what to do, except for `xargs`, which always takes all users
 */
export async function commandLine(
  contender: Contender,
  configFile: string,
  users: readonly string[],
  directory: string,
  profile?: string,
  mode: '-A' | '-R' = '-A',
): Promise<CommandLine> {
  switch (contender.client) {
    case 'c':
      return { command: [C_CLIENT, '-C', configFile, '-o', mode], input: '' };
    case 'xargs': {
      const processes = contender.count ?? 1;
      const each = Math.max(1, Math.floor(users.length / (processes * CALLS_PER_SLOT)));
      const command = ['xargs', '-P', String(processes), '-n', String(each)];
      return { command: [...command, C_CLIENT, '-C', configFile, '-o', '-u'], input: users.join('\n') };
    }
    case 'ours': {
      const settings = join(directory, 'bench-settings.ini');
      const compression = contender.compression === 'default' ? 'auto' : contender.compression;
      await writeFile(settings, `compression = ${compression}\n`);
      const command = [process.execPath, ...profiling(profile), OURS, '-C', configFile];
      command.push('--settings', settings, '--no-progress', '-o');
      if (contender.count !== undefined) command.push('--workers', String(contender.count));
      return { command: [...command, mode], input: '' };
    }
  }
}

function profiling(directory: string | undefined): string[] {
  return directory === undefined ? [] : ['--cpu-prof', '--cpu-prof-dir', directory];
}
