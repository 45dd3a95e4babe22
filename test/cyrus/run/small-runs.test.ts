import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmod, cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { type CyrusServer, giveToCyrus, requireCyrus, startPair } from '../../lab/cyrus-server.ts';
import { runAs } from '../../lab/processes.ts';
import { settingsOfItsCyrus } from '../../lab/settings-of-its-cyrus.ts';
import { LAUNCHER } from '../../lab/start-command.ts';
import { syncClientOk } from '../../lab/sync-client.ts';

requireCyrus();

const DIST = join(import.meta.dirname, '..', '..', '..');
const PROGRAM = join('src', 'bundled', 'programs', 'sync_client.cjs');

/** A copy of the program in which V8 notes what it does with functions. */
class Installation implements AsyncDisposable {
  readonly #folder: string;
  readonly #log: string;

  private constructor(folder: string) {
    this.#folder = folder;
    this.#log = join(folder, 'functions.log');
  }

  static async make(): Promise<Installation> {
    const folder = await mkdtemp(join(tmpdir(), 'small-runs-'));
    const installation = new Installation(folder);
    await chmod(folder, 0o777);
    for (const part of ['bin', 'src/bundled'])
      await cp(join(DIST, part), join(folder, part), { recursive: true });
    await writeFile(join(folder, 'package.json'), '{ "version": "1.2.3", "type": "module" }');
    await symlink(join(DIST, '..', 'node_modules'), join(folder, 'node_modules'));
    for (const name of ['sync_client', 'make-compiled-code']) {
      const launcher = join(folder, 'bin', name);
      const flags = `--log-function-events --no-logfile-per-isolate --logfile=${installation.#log}`;
      await writeFile(
        launcher,
        (await readFile(launcher, 'utf8')).replace(/^exec .* "\$script/m, `exec "$node" ${flags} "$script`),
      );
    }
    const made = spawnSync(join(folder, 'bin', 'make-compiled-code'), { encoding: 'utf8' });
    assert.deepEqual([made.status, made.stderr], [0, '']);
    return installation;
  }

  /** How many functions of the program a run called, and how many of them it had to compile. */
  async run(server: CyrusServer, args: readonly string[]): Promise<{ called: number; compiled: number }> {
    await writeFile(this.#log, '');
    giveToCyrus(this.#log);
    const command = [join(this.#folder, 'bin', 'sync_client'), '-C', server.configFile, ...args];
    const { code, stderr } = await runAs(command, { env: settingsOfItsCyrus(server, args) });
    assert.equal(code, 0, stderr);
    const lines = (await readFile(this.#log, 'utf8')).split('\n').map((line) => line.split(','));
    // V8 has a number for what it looks up, and another for what it makes of the code.
    const scripts = lines
      .filter(([kind, , name]) => kind === 'script-details' && name === join(this.#folder, PROGRAM))
      .map(([, number]) => number);
    const count = (what: string): number =>
      lines.filter(([kind, event, of]) => kind === 'function' && event === what && scripts.includes(of))
        .length;
    return { called: count('first-execution'), compiled: count('full-parse') };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.#folder, { recursive: true, force: true });
  }
}

test('a small run has all functions that it calls in its compiled code', async () => {
  await using pair = await startPair();
  const { master } = pair;
  {
    const admin = await master.imap();
    await admin.ok('CREATE user/carla');
    await admin.ok('CREATE user/carla/Sent');
  }
  const carla = await master.imap('carla');
  const add = () => carla.ok('APPEND INBOX ', Buffer.from('Subject: new\r\n\r\nHello.\r\n'));
  await add();
  await syncClientOk(master, ['-u', 'carla']);
  await using installation = await Installation.make();
  const nothing = await installation.run(master, ['-u', 'carla']);
  assert.ok(nothing.called > 500, `${nothing.called} were called`);
  assert.ok(nothing.compiled < nothing.called / 20, `${nothing.compiled} of ${nothing.called} were compiled`);
  await add();
  const something = await installation.run(master, ['-u', 'carla']);
  assert.ok(something.called > nothing.called);
  assert.ok(
    something.compiled < something.called / 20,
    `${something.compiled} of ${something.called} were compiled`,
  );
});

/** Told by the kernel of an open file that several processes share. */
const O_NONBLOCK = 0o4000;

test('what a small run writes to is left as it was for those who share it, whether it says something or not', async () => {
  await using pair = await startPair();
  const { master } = pair;
  const admin = await master.imap();
  await admin.ok('CREATE user/carla');
  await syncClientOk(master, ['-u', 'carla']);
  for (const [args, said] of [
    ['', ''],
    ['-v', 'USER carla\n'],
  ] as const) {
    const arguments_ = ['-C', master.configFile, '-u', 'carla', ...(args === '' ? [] : [args])];
    const script = '"$@"; echo "exit $?"; cat /proc/self/fdinfo/1 >&2';
    const env = settingsOfItsCyrus(master, arguments_);
    const { stdout, stderr } = await runAs(['sh', '-c', script, 'sh', LAUNCHER, ...arguments_], { env });
    assert.ok(stdout.endsWith(`${said}exit 0\n`), stdout);
    const flags = Number.parseInt(/^flags:\s*(\d+)/m.exec(stderr)?.[1] ?? '', 8);
    assert.equal(flags & O_NONBLOCK, 0, stderr);
  }
});
