import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Sources, not dist: the archives are data and are not compiled. */
export const FIXTURE_DIRECTORY = join(import.meta.dirname, '..', '..', '..', 'test', 'fixtures');

/** imapd.conf options that decide how the store of the fixture reads, apart from its directories. */
export const FIXTURE_SETTINGS = {
  unixhierarchysep: 'yes',
  altnamespace: 'no',
  virtdomains: 'off',
  conversations: 'yes',
} as const;

export interface UnpackedFixture extends AsyncDisposable {
  directory: string;
  /** imapd.conf that fits the store; the replica is not named in it (`sync_host`). */
  configFile: string;
  configDirectory: string;
  partition: string;
  remove(): Promise<void>;
}

/**
 * Unpacks the store of a real Cyrus master (test/fixtures/README.md) into a temporary directory. Needs no Cyrus, only
 * `tar`. `extraSettings` go into imapd.conf too: `{ sync_host: '127.0.0.1', sync_port: '2005' }`.
 */
export async function unpackFixture(extraSettings: Record<string, string> = {}): Promise<UnpackedFixture> {
  const directory = await mkdtemp(join(tmpdir(), 'cyrus-fixture-'));
  const remove = () => rm(directory, { recursive: true, force: true, maxRetries: 5 });
  try {
    const archive = join(FIXTURE_DIRECTORY, 'store.tar.gz');
    // Owned by whoever runs the tests, root too.
    const unpacked = spawnSync('tar', ['-x', '-z', '-f', archive, '-C', directory, '--no-same-owner'], {
      encoding: 'utf8',
    });
    if (unpacked.error !== undefined) {
      throw new Error(
        'The fixture store needs the `tar` command, which could not be run: install tar and gzip',
        {
          cause: unpacked.error,
        },
      );
    }
    if (unpacked.status !== 0) throw new Error(`tar could not unpack ${archive}: ${unpacked.stderr}`);
    const configDirectory = join(directory, 'conf');
    const partition = join(directory, 'spool', 'default');
    for (const each of ['lock', 'sync', 'proc', 'socket', 'log']) {
      await mkdir(join(configDirectory, each), { recursive: true });
    }
    const settings = {
      configdirectory: configDirectory,
      defaultpartition: 'default',
      'partition-default': partition,
      sievedir: join(configDirectory, 'sieve'),
      servername: 'master.test',
      ...FIXTURE_SETTINGS,
      ...extraSettings,
    };
    const configFile = join(directory, 'imapd.conf');
    const lines = Object.entries(settings).map(([key, value]) => `${key}: ${value}\n`);
    // It may hold a password.
    await writeFile(configFile, lines.join(''), { mode: 0o640 });
    return { directory, configFile, configDirectory, partition, remove, [Symbol.asyncDispose]: remove };
  } catch (error) {
    await remove();
    throw error;
  }
}
