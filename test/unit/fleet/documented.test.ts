import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { openQueue } from '../../../src/fleet/queue/open-queue.ts';
import { runProcess } from '../../lab/processes.ts';
import { startRedis } from '../../lab/queue-servers.ts';

/* Contract: who copies what docs/fleet.md shows gets what it says. */

const PROJECT = join(import.meta.dirname, '..', '..', '..', '..');
const PROGRAM = join(PROJECT, 'dist', 'bin', 'cyrus-sync.cjs');
const page = readFileSync(join(PROJECT, 'docs', 'fleet.md'), 'utf8');

test('the inventory and the commands of the page, one after the other as they stand there', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'fleet-documented-'));
  await writeFile(join(directory, 'fleet.ini'), block('ini'));
  await writeFile(join(directory, 'm1.users'), 'anna\t1000000\t20\nbert\t9000000000\t10000\ncarl\t0\t0\n');
  await writeFile(join(directory, 'pilot.list'), 'anna\n');
  const environment = { CYRUS_USER: userInfo().username, CYRUS_SYNC_QUEUE: join(directory, 'queue') };
  const said = new Map<string, string>();
  for (const line of block('sh').split('\n')) {
    const [words = '', file] = (line.split('#')[0] ?? '').split('>').map((part) => part.trim());
    // A master of one's own is needed for the first, and the second goes on until it is stopped.
    if (words === '' || /^cyrus-sync fleet (sizes|agent)/.test(words)) continue;
    const args = words.replace(/^cyrus-sync | --watch/g, '').split(' ');
    const command = [process.execPath, PROGRAM, ...args];
    const { code, stdout, stderr } = await runProcess(command, { cwd: directory, env: environment });
    assert.equal(code, 0, `${words}\n${stderr}`);
    if (file !== undefined) await writeFile(join(directory, file), stdout);
    said.set(words, stdout);
  }
  assert.match(
    said.get('cyrus-sync fleet plan fleet.ini') ?? '',
    /^fleet autumn: 2 users, .*does not fit.*carl/s,
  );
  assert.match(said.get('cyrus-sync fleet start plan.json') ?? '', /^2 slices of 2 users on the queue/);
  assert.match(said.get('cyrus-sync fleet status --fleet autumn --watch') ?? '', /^waiting: 0 of 2 users/);
  const report = JSON.parse(readFileSync(join(directory, 'report.json'), 'utf8'));
  assert.deepEqual([report.fleet, report.complete, report.counts.left], ['autumn', false, 2]);
  await rm(directory, { recursive: true });
});

test('the Redis of the compose file is one that a fleet takes, under the password that is set there', async () => {
  const [, options = ''] = /command: redis-server (.*)/.exec(block('yaml')) ?? [];
  const settings = options
    .replace(`\${PASSWORD}`, 'right')
    .split(/(?:^| )--/)
    .filter((line) => line !== '');
  // What the file leaves out would be as bad as it can be.
  const unfit = ['appendonly no', 'maxmemory-policy allkeys-lru'];
  await using server = await startRedis([...unfit, ...settings]);
  const queue = await openQueue(server.address.replace('//', '//:right@'), 'fleet');
  await queue[Symbol.asyncDispose]();
  await assert.rejects(openQueue(server.address, 'fleet'), /refuses the login/);
});

test('the unit starts an agent with options that there are, and reads the queue from the file that the page names', async () => {
  const unit = readFileSync(join(PROJECT, 'packaging/systemd/cyrus-sync-fleet@.service'), 'utf8');
  assert.match(page, /unit `cyrus-sync-fleet@m1`/);
  const [, file = ''] = /EnvironmentFile=-(.*)/.exec(unit) ?? [];
  assert.ok(page.includes(`\`${file}\``), file);
  const [, program = '', words = ''] = /ExecStart=(\S+)\/bin\/cyrus-sync (.*)/.exec(unit) ?? [];
  assert.ok(existsSync(PROGRAM));
  assert.equal(program, '/usr/lib/cyrus-sync');
  const args = words.replaceAll('%I', 'm1').replaceAll('%H', 'host').split(' ');
  const nowhere = join(tmpdir(), 'no-fleet-is-here');
  const { code, stderr } = await runProcess(
    [process.execPath, PROGRAM, ...args, '--until-done', '-C', '/nowhere/imapd.conf', '--queue', nowhere],
    { env: { CYRUS_USER: userInfo().username } },
  );
  // The command line is taken, and the first thing that is missing is the configuration.
  assert.equal(code, 78, stderr);
  assert.match(stderr, /^cyrus-sync: \/nowhere\/imapd.conf: expected a readable configuration file/);
  const directories = readFileSync(join(PROJECT, 'packaging/files/cyrus-sync.tmpfiles'), 'utf8');
  assert.match(directories, /^d \/var\/lib\/cyrus-sync 0750 cyrus mail/m);
  assert.match(unit, /^ReadWritePaths=.*-\/var\/lib\/cyrus-sync\b/m);
});

/** The first piece of the page in that language. */
function block(language: string): string {
  const [, text] = new RegExp(`\`\`\`${language}\\n(.*?)\`\`\``, 's').exec(page) ?? [];
  assert.ok(text !== undefined, language);
  return text;
}
