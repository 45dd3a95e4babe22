import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { type Sandbox, startSandbox } from '../../../../src/sandbox/start-sandbox.ts';
import { ENTRY, type Started, startCommand } from '../../../lab/start-command.ts';
import { type UnpackedFixture, unpackFixture } from '../../../lab/unpack-fixture.ts';

/**
 * The command as it is installed, with the thread entry as it is installed. Runs of this size stay on the main thread by
 * themselves: `threads = always` leaves it nothing to do, so that an entry that cannot do its work fails these tests.
 */
interface Scene extends AsyncDisposable {
  replica: Sandbox;
  master: UnpackedFixture;
  run(args: readonly string[], nodeOptions?: readonly string[]): Started;
}

/** Users of the fixture. */
const ALL_USERS = 26;
/** Milliseconds that the replica takes for one command, so that a signal comes in the middle of a user. */
const SLOW_COMMAND_MS = 400;
/** Megabytes that the heap of a thread may have: plenty for these runs. */
const SMALL_HEAP_MB = 64;
/**
 * Words that take more than such a heap, and less than an answer may. In many lists: one of them all would grow by more at once
 * than a heap at its limit allows beyond it until its thread has ended, and that would end the process.
 */
const MANY_WORDS = `(${'word '.repeat(100)}) `.repeat(40_000);

async function startScene(settings = ''): Promise<Scene> {
  const directory = await mkdtemp(join(tmpdir(), 'through-threads-'));
  const replica = await startSandbox({
    directory: join(directory, 'replica'),
    listen: { host: '127.0.0.1', port: 0 },
    password: 'secret',
    recordCommands: true,
  });
  const master = await unpackFixture({
    sync_host: replica.server,
    sync_authname: 'replication',
    sync_password: 'secret',
  });
  const file = join(directory, 'settings.ini');
  await writeFile(file, `threads = always\n${settings}`);
  return {
    replica,
    master,
    run: (args, nodeOptions = []) =>
      startCommand([
        process.execPath,
        ...nodeOptions,
        ENTRY,
        '-C',
        master.configFile,
        '--settings',
        file,
        ...args,
      ]),
    async [Symbol.asyncDispose]() {
      await replica[Symbol.asyncDispose]();
      await master[Symbol.asyncDispose]();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

test('-A: threads alone make the first copy of everybody, and find nothing left to send', async () => {
  await using scene = await startScene();
  const first = scene.run(['-A']);
  assert.equal(await first.end, 0, first.stderr());
  assert.equal(scene.replica.counts().users, ALL_USERS);
  const sent = scene.replica.recorded.length;
  const second = scene.run(['-A']);
  assert.equal(await second.end, 0, second.stderr());
  const changes = scene.replica.recorded.slice(sent).filter(({ command }) => /^(APPLY|RENAME)/.test(command));
  assert.deepEqual([...new Set(changes.map(({ command }) => command))], ['APPLY CAPABILITIES']);
});

test('TERM reaches the threads: who is under way is finished, and nobody else is begun', async () => {
  await using scene = await startScene('look_ahead = 1\nworkers = 1\n');
  const struck = scene.replica.inject({ on: 'APPLY MAILBOX', do: 'delay', milliseconds: SLOW_COMMAND_MS });
  const run = scene.run(['-A']);
  await run.until(() => struck() > 0);
  run.child.kill('SIGTERM');
  assert.equal(await run.end, 75, run.stderr());
  const { users } = scene.replica.counts();
  assert.ok(users > 0 && users < ALL_USERS, `${users} users were begun`);
  const begun = Object.keys(scene.replica.inspect().users);
  const sent = scene.replica.recorded.length;
  const again = scene.run(['-u', ...begun]);
  assert.equal(await again.end, 0, again.stderr());
  const changes = scene.replica.recorded.slice(sent).filter(({ command }) => /^(APPLY|RENAME)/.test(command));
  assert.deepEqual([...new Set(changes.map(({ command }) => command))], ['APPLY CAPABILITIES']);
});

test('a replica that never answers is cut off on the threads too when TERM has waited long enough', async () => {
  await using scene = await startScene('workers = 1\n');
  const struck = scene.replica.inject({ on: 'APPLY MAILBOX', do: 'stall' });
  const report = join(scene.master.directory, 'report.json');
  const run = scene.run(['-A', '--report', report]);
  await run.until(() => struck() > 0);
  run.child.kill('SIGTERM');
  assert.equal(await run.end, 75, run.stderr());
  const { users } = JSON.parse(await readFile(report, 'utf8')) as {
    users: { status: string; seconds: number }[];
  };
  // Time is told with an outcome, which the threads give only when their link is cut.
  assert.ok(users.some(({ status, seconds }) => status === 'not-reached' && seconds > 0));
});

test('a thread that runs out of memory costs the others nothing, and who was under way is done again', async () => {
  await using scene = await startScene();
  const text = `* MAILBOX %(MBOXNAME (${MANY_WORDS}))\r\nOK success\r\n`;
  const struck = scene.replica.inject({ on: 'GET USER', user: 'anna', do: 'garbage', text });
  const run = scene.run(['-A', '--log-to-stderr'], [`--max-old-space-size=${SMALL_HEAP_MB}`]);
  assert.equal(await run.end, 0, run.stderr());
  assert.equal(struck(), 1);
  assert.match(run.stderr(), /will try .anna. again .*thread died: .*out of memory/);
  assert.equal(scene.replica.counts().users, ALL_USERS);
});

test('a sync log goes through the threads, and its connections are renewed there', async () => {
  await using scene = await startScene();
  const log = join(scene.master.configDirectory, 'sync', 'log');
  await writeFile(log, 'USER anna\nUSER bob2\n');
  const run = scene.run(['-1']);
  assert.equal(await run.end, 0, run.stderr());
  assert.equal(scene.replica.counts().users, 2);
  const rolling = scene.run(['-R', '-t', '1', '-v', '-v', '--log-to-stderr']);
  const renewals = (): number => (rolling.stderr().match(/RESTART succeeded/g) ?? []).length;
  await rolling.until(() => renewals() >= 1);
  const before = scene.replica.traffic().connections;
  const wanted = renewals() + 2;
  await rolling.until(() => renewals() >= wanted);
  assert.ok(scene.replica.traffic().connections > before, 'the connection is the old one');
  rolling.child.kill('SIGTERM');
  assert.equal(await rolling.end, 75, rolling.stderr());
});

test('a replica that never answers is cut off in rolling mode too, and log-run names who was under way', async () => {
  await using scene = await startScene();
  const log = join(scene.master.configDirectory, 'sync', 'log');
  await writeFile(log, 'USER anna\n');
  const struck = scene.replica.inject({ on: 'GET USER', do: 'stall' });
  const rolling = scene.run(['-R', '--log-to-stderr']);
  await rolling.until(() => struck() > 0);
  rolling.child.kill('SIGTERM');
  assert.equal(await rolling.end, 75, rolling.stderr());
  assert.equal(await readFile(`${log}-run`, 'utf8'), 'USER anna\n');
  scene.replica.clearFaults();
  const again = scene.run(['-1']);
  assert.equal(await again.end, 0, again.stderr());
  assert.deepEqual(Object.keys(scene.replica.inspect().users), ['anna']);
});
