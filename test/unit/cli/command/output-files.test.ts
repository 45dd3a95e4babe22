import assert from 'node:assert/strict';
import { chmodSync, existsSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { after, before } from 'node:test';
import { LAUNCHER, startCommand } from '../../../lab/start-command.ts';

/*
 * Contract: the files that an option names are written by a run that begins. One that cannot begin, for want of room for
 * them or for another reason, leaves what was there: nothing, or the earlier file.
 */

const EX_USAGE = 64;
const EX_CONFIG = 78;
const OPTIONS = ['--failures', '--report'];

let directory: string;
let config: string;

before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'output-files-'));
  config = join(directory, 'imapd.conf');
  await mkdir(join(directory, 'conf'));
  const lines = [`configdirectory: ${directory}/conf`, `partition-default: ${directory}/spool`];
  writeFileSync(config, `${[...lines, 'sync_host: 127.0.0.1', ''].join('\n')}`);
});

after(async () => {
  await rm(directory, { recursive: true, force: true });
});

interface End {
  code: number | string;
  stderr: string;
}

async function run(options: readonly string[], environment: Record<string, string> = {}): Promise<End> {
  const started = startCommand([LAUNCHER, '-C', config, '-u', ...options, 'anna'], environment);
  return { code: await started.end, stderr: started.stderr() };
}

/** A limit on the size of files is to the process what a full disk would be. */
async function runWithoutRoom(options: readonly string[]): Promise<End> {
  const limited = ['bash', '--norc', '-c', 'ulimit -f 0 && exec "$0" "$@"', LAUNCHER];
  const started = startCommand([...limited, '-C', config, '-u', ...options, 'anna']);
  return { code: await started.end, stderr: started.stderr() };
}

for (const option of OPTIONS) {
  test(`${option} on a full disk: the run does not begin and leaves no empty file`, async () => {
    const path = join(directory, `new${option}`);
    const { code, stderr } = await runWithoutRoom([option, path]);
    assert.equal(code, EX_USAGE, stderr);
    assert.match(stderr, new RegExp(`^sync_client: ${option}: expected a file that can be written`));
    assert.equal(existsSync(path), false);
    symlinkSync(path, `${path}.link`);
    await runWithoutRoom([option, `${path}.link`]);
    assert.equal(existsSync(path), false);
  });

  test(`${option} on a full disk: an earlier file stays as it was`, async () => {
    const path = join(directory, `earlier${option}`);
    const earlier = 'what an earlier run has left\n'.repeat(100);
    writeFileSync(path, earlier);
    const { code, stderr } = await runWithoutRoom([option, path]);
    assert.equal(code, EX_USAGE, stderr);
    assert.equal(readFileSync(path, 'utf8'), earlier);
  });
}

test('what keeps a run from beginning keeps the files of an earlier one', async () => {
  const list = join(directory, 'list');
  const report = join(directory, 'report');
  const earlier = 'what an earlier run has left\n'.repeat(100);
  for (const path of [list, report]) writeFileSync(path, earlier);
  const noPlace = await run(['--failures', list, '--report', join(directory, 'no-such-folder', 'report')]);
  assert.equal(noPlace.code, EX_USAGE, noPlace.stderr);
  assert.equal(readFileSync(list, 'utf8'), earlier);
  const neverMade = join(directory, 'never-made');
  await run(['--failures', neverMade, '--report', join(directory, 'no-such-folder', 'report')]);
  assert.equal(existsSync(neverMade), false);
  const both = ['--failures', list, '--report', report];
  const noLog = await run(both, { CASSANDANE_SYSLOG_FNAME: join(directory, 'no-such-folder', 'log') });
  assert.match(noLog.stderr, /no-such-folder/);
  for (const path of [list, report]) assert.equal(readFileSync(path, 'utf8'), earlier);
});

test('a start that fails once the command is another user is told by its own error, and leaves no file that says otherwise', async () => {
  const open = await mkdtemp(join(directory, 'open-'));
  for (const each of [directory, open]) chmodSync(each, 0o755);
  const settings = join(open, 'settings');
  writeFileSync(settings, 'on_failure = /nowhere/hook\n');
  const [list, report] = [join(open, 'list'), join(open, 'report')];
  const user = process.geteuid?.() === 0 ? { CYRUS_USER: 'nobody' } : {};
  const files = ['--failures', list, '--report', report];
  const { code, stderr } = await run(['--settings', settings, ...files], user);
  assert.equal(code, EX_CONFIG, stderr);
  assert.doesNotMatch(stderr, /suppressed/);
  for (const path of [list, report]) assert.equal(existsSync(path) ? readFileSync(path, 'utf8') : '', '');
});
