/**
 * `npm run demo`: replicates the store of a real Cyrus master (test/fixtures) to the sandbox with the real command, runs
 * it again to show that nothing is left to send, and compares both sides. Needs Node and tar, no Cyrus and no root.
 *
 * Exit code 0: both sides are the same.
 */
import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { storeLayout } from '../../src/cli/run-plan/store-layout.ts';
import { readImapdConfig } from '../../src/config/imapd-config.ts';
import { type Sandbox, startSandbox } from '../../src/sandbox/start-sandbox.ts';
import { openMasterStore } from '../../src/store/open-master-store.ts';
import { argumentsOf } from '../lab/arguments-of.ts';
import { type UnpackedFixture, unpackFixture } from '../lab/unpack-fixture.ts';
import { type Comparison, compare } from './census.ts';
import { countMaster } from './count-master.ts';
import { countReplica, damagedMessages } from './count-replica.ts';
import { changedFiles, fileDigests } from './file-digests.ts';

const COMMAND = join(import.meta.dirname, '..', '..', 'bin', 'sync_client.cjs');
const USER = 'replication';
const PASSWORD = 'demo';

/** Commands of the connection itself, before any user is looked at. */
const SET_UP = ['APPLY CAPABILITIES', 'APPLY FORCE'];

class DemoFailed extends Error {}

const say = (...lines: string[]): void => void process.stdout.write(`${lines.join('\n')}\n`);

async function demo(stop: AbortSignal): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'cyrus-sync-demo-'));
  try {
    const sandbox = await startSandbox({
      directory: join(directory, 'replica'),
      listen: { host: '127.0.0.1', port: 0 },
      user: USER,
      password: PASSWORD,
    });
    try {
      await using fixture = await unpack(sandbox);
      await show(fixture, sandbox, stop);
    } finally {
      await sandbox.close();
    }
  } finally {
    await rm(directory, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** The master's imapd.conf gets the options that name a replica on any real master. */
async function unpack(sandbox: Sandbox): Promise<UnpackedFixture> {
  try {
    const fixture = await unpackFixture({
      sync_host: sandbox.server,
      sync_authname: USER,
      sync_password: PASSWORD,
    });
    await writeFile(join(fixture.directory, 'cyrus-sync.ini'), '; The defaults do.\n');
    return fixture;
  } catch (caught) {
    // Most likely there is no tar, which is no bug of anybody's.
    throw new DemoFailed(caught instanceof Error ? caught.message : String(caught), { cause: caught });
  }
}

async function show(fixture: UnpackedFixture, sandbox: Sandbox, stop: AbortSignal): Promise<void> {
  const { directory, configFile } = fixture;
  const before = masterFiles(fixture);
  say(
    '',
    'cyrus-sync demo',
    '',
    `  master   ${directory}`,
    '           the files of a Cyrus IMAP 3.6.1 server: mailboxes.db, indexes, messages',
    `  replica  ${sandbox.server}`,
    '           the built-in sandbox, which speaks the replication protocol; empty',
    '',
    '1. First copy',
    '',
  );
  // Settings of this machine's own have no say in the demo.
  const args = ['-C', configFile, '--settings', join(directory, 'cyrus-sync.ini'), '--progress', '-A'];
  await replicate(args, stop);
  const first = sandbox.traffic();
  say(
    '',
    `  ${first.messagesReceived} message files received; further copies of one were made on the replica`,
  );

  say('', '2. The same command again: nothing has changed, so nothing may be sent', '');
  await replicate(args, stop);
  const asked = difference(first.commands, sandbox.traffic().commands);
  const master = await countMaster(openMasterStore(storeLayout(readImapdConfig(configFile))));
  const applied = Object.keys(asked).filter((name) => name.startsWith('APPLY ') && !SET_UP.includes(name));
  say('', '  What the replica was asked:');
  for (const [name, count] of Object.entries(asked)) say(`  ${String(count).padStart(6)} ${name}`);
  if (applied.length > 0) throw new DemoFailed(`the second pass still sent ${applied.join(', ')}`);
  if (asked['GET USER'] !== master.counts.users) {
    throw new DemoFailed(`expected one GET USER for each of ${master.counts.users} users`);
  }
  say('  One GET USER for each user, one GET MAILBOXES for the shared mailboxes, and no change.');

  say('', '3. Both sides compared', '');
  const inspection = sandbox.inspect();
  const rows = compare(master, countReplica(inspection, sandbox.counts().users));
  say(...table(rows));
  const changed = changedFiles(before, masterFiles(fixture));
  const damaged = damagedMessages(inspection);
  say('', `  Messages that arrived damaged: ${damaged}. Files changed on the master: ${changed.length}.`);
  const different = rows.filter((row) => row.master !== row.replica).map(({ row }) => row);
  if (different.length > 0) throw new DemoFailed(`the two sides differ in: ${different.join(', ')}`);
  if (damaged > 0) throw new DemoFailed(`${damaged} messages arrived damaged`);
  if (changed.length > 0) throw new DemoFailed(`changed on the master: ${changed.join(', ')}`);
}

/** All but lock files, which Cyrus's own processes make and leave there too. */
function masterFiles({ directory, configDirectory }: UnpackedFixture): Map<string, string> {
  return fileDigests(directory, [join(configDirectory, 'lock')]);
}

/** The command as an operator runs it, its display on this terminal. @throws DemoFailed unless it exits 0 */
async function replicate(args: readonly string[], stop: AbortSignal): Promise<void> {
  say(`  $ sync_client ${args.join(' ')}`);
  const child = spawn(process.execPath, [COMMAND, ...args], {
    stdio: ['ignore', 'inherit', 'inherit'],
    env: environment(),
  });
  const end = () => void child.kill('SIGTERM');
  stop.addEventListener('abort', end);
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  stop.removeEventListener('abort', end);
  if (stop.aborted) throw new DemoFailed('stopped');
  if (code !== 0) throw new DemoFailed(`sync_client exited ${code}`);
}

/**
 * Started as root, sync_client becomes `cyrus`, who may not exist here and to whom the temporary store does not belong:
 * this master's Cyrus user is whoever runs the demo.
 */
function environment(): NodeJS.ProcessEnv {
  const { CYRUS_USER: _user, CYRUS_GROUP: _group, CYRUS_PREFIX: _prefix, ...rest } = process.env;
  return process.geteuid?.() === 0 ? { ...rest, CYRUS_USER: userInfo().username } : rest;
}

function difference(before: Record<string, number>, after: Record<string, number>): Record<string, number> {
  return Object.fromEntries(
    Object.entries(after)
      .map(([name, count]) => [name, count - (before[name] ?? 0)] as const)
      .filter(([, count]) => count > 0)
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  );
}

function table(rows: readonly Comparison[]): string[] {
  const line = (row: string, master: string, replica: string, word: string): string =>
    `  ${row.padEnd(30)}${master.padStart(8)}${replica.padStart(9)}  ${word}`.trimEnd();
  return [
    line('', 'master', 'replica', ''),
    ...rows.map(({ row, master, replica }) =>
      line(row, String(master), String(replica), master === replica ? 'same' : 'DIFFERENT'),
    ),
  ];
}

const NEXT_STEPS = `
Both sides are the same. The temporary files are gone.

Next:
  dist/bin/sync_client --help            every option
  README.md                              first use on a real master
  docs/operations.md                     settings, exit codes, failures, moving a site
  npm run test:all                       the tests, against real Cyrus servers too
`;

argumentsOf('usage: npm run demo, without arguments', { options: {} });
const controller = new AbortController();
for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => controller.abort());
try {
  await demo(controller.signal);
  say(NEXT_STEPS);
} catch (caught) {
  if (!(caught instanceof DemoFailed)) throw caught;
  process.stderr.write(`\ndemo failed: ${caught.message}\n`);
  process.exitCode = 1;
}
