import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { type Recording, readRecording, STORE_DIRECTORIES } from './recording.ts';
import { startScriptedReplica } from './scripted-replica.ts';

/** Whoever makes the code of an installation is root, and stays it: the store is written by the same process. */
const ROOT = 'root';

/** Whatever this host has set for runs is not for this one, and nobody is to hear of it. */
const TO_ITSELF = ['--control', 'off', '--no-progress', '--connect-once'];

/** A store that is nobody's has no secret. */
const PASSWORD = 'training';

/**
 * Runs the program on the store that was recorded, beside a replica that answers as it was recorded, so that its functions are
 * compiled that a small run needs. Nothing of it is left behind.
 *
 * @param main of the program
 * @throws Error if it does not end well; it has said why on standard error
 */
export async function runInTraining(
  main: (argv: readonly string[], environment: NodeJS.ProcessEnv) => Promise<number>,
): Promise<void> {
  const recording = readRecording();
  const folder = mkdtempSync(join(tmpdir(), 'cyrus-sync-training-'));
  try {
    for (const [path, content] of Object.entries(recording.files)) {
      const file = join(folder, path);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, content, 'base64');
    }
    const replica = await startScriptedReplica(recording);
    try {
      const configFile = join(folder, 'imapd.conf');
      writeFileSync(configFile, imapdConf(recording, folder, replica.port), { mode: 0o600 });
      const settingsFile = join(folder, 'cyrus-sync.ini');
      writeFileSync(settingsFile, '');
      const argv = ['-C', configFile, '--settings', settingsFile, ...TO_ITSELF, ...recording.arguments];
      const code = await main(argv, { CYRUS_USER: ROOT });
      if (code !== 0) throw new Error(`its run in training exited ${code}`);
    } finally {
      await replica.stop();
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
    // A run of some length tells V8 how the heap is to grow, and V8 keeps no code for those who have not told it the same.
    setFlagsFromString('--heap-growing-percent=0');
    setFlagsFromString('--semi-space-growth-factor=2');
  }
}

function imapdConf({ imapd }: Recording, folder: string, port: number): string {
  const options = {
    ...imapd,
    configdirectory: join(folder, STORE_DIRECTORIES.configuration),
    'partition-default': join(folder, STORE_DIRECTORIES.partition),
    sync_host: '127.0.0.1',
    sync_port: port,
    sync_try_imap: 'no',
    sync_authname: 'admin',
    sync_password: PASSWORD,
  };
  return Object.entries(options)
    .map(([name, value]) => `${name}: ${value}\n`)
    .join('');
}
