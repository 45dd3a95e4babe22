import assert from 'node:assert/strict';
import { cp, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import test from 'node:test';
import { programVersion } from '../../../../src/cli/arguments/program-version.ts';
import { LAUNCHER, startCommand, VERBS_LAUNCHER } from '../../../lab/start-command.ts';

/** The entries alone, without the program that they load. */
async function entriesAlone(): Promise<AsyncDisposable & { path: string }> {
  const path = await mkdtemp(join(tmpdir(), 'entries-'));
  await cp(dirname(LAUNCHER), join(path, 'bin'), { recursive: true });
  return {
    path,
    async [Symbol.asyncDispose]() {
      await rm(path, { recursive: true, force: true });
    },
  };
}

/** Puts there what an installed program has above it. */
async function addPackages(folder: string): Promise<void> {
  await writeFile(join(folder, 'package.json'), '{ "version": "1.2.3", "type": "module" }');
  await symlink(join(dirname(LAUNCHER), '..', '..', 'node_modules'), join(folder, 'node_modules'));
}

test('the version is told without the program being loaded, which anything else needs', async () => {
  await using folder = await entriesAlone();
  await writeFile(join(folder.path, 'package.json'), '{ "version": "1.2.3" }');
  for (const name of ['sync_client', 'cyrus-sync']) {
    const asked = startCommand([join(folder.path, 'bin', name), '--version']);
    assert.equal(await asked.end, 0, asked.stderr());
    assert.equal(asked.stdout(), '1.2.3\n');
    const other = startCommand([join(folder.path, 'bin', name), '--version', '--help']);
    assert.equal(await other.end, 78);
    assert.match(other.stderr(), /the program cannot be loaded/);
  }
  const installed = startCommand([LAUNCHER, '--version']);
  assert.equal(await installed.end, 0);
  assert.equal(installed.stdout(), `${programVersion()}\n`);
});

test('what standard output has no room for is a failure that is said, and a reader that has gone is none', async () => {
  for (const program of [LAUNCHER, VERBS_LAUNCHER]) {
    for (const asked of ['--version', '--help']) {
      const full = startCommand(['sh', '-c', 'exec "$0" "$1" > /dev/full', program, asked]);
      assert.equal(await full.end, 1);
      const name = program === LAUNCHER ? 'sync_client' : 'cyrus-sync';
      assert.match(
        full.stderr(),
        new RegExp(`^${name}: standard output cannot be written: ENOSPC: .* look whether .*\\)\\n$`),
      );
      const gone = startCommand(['bash', '-c', '"$0" "$1" | true; echo "$PIPESTATUS"', program, asked]);
      assert.equal(await gone.end, 0);
      assert.deepEqual([gone.stdout(), gone.stderr()], ['0\n', '']);
    }
  }
});

test('each command is one file beside its entry, the packages that it always needs among it', async () => {
  await using folder = await entriesAlone();
  await writeFile(join(folder.path, 'package.json'), '{ "version": "1.2.3", "type": "module" }');
  const programs = join('src', 'bundled', 'programs');
  for (const name of ['sync_client', 'cyrus-sync']) {
    const file = join(programs, `${name}.cjs`);
    await cp(join(dirname(LAUNCHER), '..', file), join(folder.path, file));
    const asked = startCommand([join(folder.path, 'bin', name), '--help']);
    assert.equal(await asked.end, 0, asked.stderr());
    assert.match(asked.stdout(), new RegExp(`^Usage: ${name} `));
  }
});

test('a program starts with the code that was compiled of it, and without when that is of another program or Node, or damaged', async () => {
  await using folder = await entriesAlone();
  await addPackages(folder.path);
  const programs = join('src', 'bundled', 'programs');
  const installed = join(dirname(LAUNCHER), '..', programs);
  const copy = join(folder.path, programs);
  await cp(installed, copy, { recursive: true });
  // It tells what became of the code, started with the flags of all programs.
  const probe = join(folder.path, 'bin', 'probe');
  await cp(LAUNCHER, probe);
  const telling = `const { compiled, readProgram } = require('./load-program.cjs');
    const { cachedDataRejected } = compiled(readProgram(process.argv[2]));
    process.stdout.write(String(cachedDataRejected));`;
  await writeFile(`${probe}.cjs`, telling);
  const rejected = async (name: string): Promise<string> => {
    const run = startCommand([probe, join(copy, `${name}.cjs`)]);
    assert.equal(await run.end, 0, run.stderr());
    return run.stdout();
  };
  const starts = async (): Promise<void> => {
    const run = startCommand([join(folder.path, 'bin', 'sync_client'), '--help']);
    assert.equal(await run.end, 0, run.stderr());
    assert.match(run.stdout(), /^Usage: /);
  };
  const make = async (): Promise<void> => {
    const made = startCommand([join(folder.path, 'bin', 'make-compiled-code')]);
    assert.equal(await made.end, 0, made.stderr());
    assert.equal(made.stderr(), '');
  };
  // What is there may have been built by another Node.
  await make();
  assert.equal(await rejected('cyrus-sync'), 'false');
  assert.equal(await rejected('sync_client'), 'false');
  const file = join(copy, 'sync_client.cjs');
  const program = await readFile(file, 'latin1');
  const code = await readFile(`${file}.code`, 'latin1');

  const others = program.replace(/[0-9a-f]{32}\n$/, `${'0'.repeat(32)}\n`);
  await writeFile(file, others);
  assert.equal(await rejected('sync_client'), 'undefined', 'of another program, as long as this one');
  await starts();
  await writeFile(file, program);
  await writeFile(`${file}.code`, code.replace(/^v/, 'w'), 'latin1');
  assert.equal(await rejected('sync_client'), 'undefined', 'of another Node');
  await writeFile(`${file}.code`, code.slice(0, code.length / 2), 'latin1');
  assert.equal(await rejected('sync_client'), 'true', 'cut short');
  await starts();
  await rm(`${file}.code`);
  await starts();

  await make();
  assert.equal(await rejected('sync_client'), 'false');
});

test('where the program cannot be run on its recording all of it is compiled, and that is said', async () => {
  await using folder = await entriesAlone();
  const programs = join('src', 'bundled', 'programs');
  const copy = join(folder.path, programs);
  await cp(join(dirname(LAUNCHER), '..', programs), copy, { recursive: true });
  await addPackages(folder.path);
  const codeLength = async (): Promise<number> => {
    const made = startCommand([join(folder.path, 'bin', 'make-compiled-code')]);
    assert.equal(await made.end, 0, made.stderr());
    told.push(made.stderr());
    return (await stat(join(copy, 'sync_client.cjs.code'))).size;
  };
  const told: string[] = [];
  const ofSmallRuns = await codeLength();
  await rm(join(folder.path, 'bin', 'training', 'recording.json'));
  const ofAll = await codeLength();
  assert.ok(ofSmallRuns < ofAll * 0.7, `${ofSmallRuns} of ${ofAll} octets`);
  assert.equal(told[0], '');
  assert.match(
    told[1] ?? '',
    /^make-compiled-code: all of sync_client\.cjs is compiled, as ENOENT: .*recording\.json'\n$/,
  );
});

test('a disk without room for the compiled code keeps nothing of it, nor of what was killed as it was written', async () => {
  await using folder = await entriesAlone();
  const programs = join('src', 'bundled', 'programs');
  const copy = join(folder.path, programs);
  await cp(join(dirname(LAUNCHER), '..', programs), copy, { recursive: true });
  await addPackages(folder.path);
  await writeFile(join(copy, 'sync_client.cjs.code.4711'), 'half');
  // A limit on the size of files is to the process what a full disk would be.
  const limited = 'ulimit -f 512 && exec "$0"';
  const made = startCommand([
    'bash',
    '--norc',
    '-c',
    limited,
    join(folder.path, 'bin', 'make-compiled-code'),
  ]);
  assert.equal(await made.end, 1);
  assert.match(made.stderr(), /^make-compiled-code: EFBIG: [^\n]*\n$/);
  const left = (await readdir(copy)).filter((name) => /\.code\./.test(name));
  assert.deepEqual(left, []);
});

test('a run of some users has one thread for V8, any other as many as Node gives it', async () => {
  await using folder = await entriesAlone();
  // The one beside the command is taken for it.
  await writeFile(join(folder.path, 'bin', 'node'), '#!/bin/sh\nprintf "%s\\n" "$@"\n', { mode: 0o755 });
  const launcher = join(folder.path, 'bin', 'sync_client');
  const optionsOf = async (...args: string[]): Promise<string[]> => {
    const run = startCommand([launcher, ...args]);
    assert.equal(await run.end, 0, run.stderr());
    const words = run.stdout().trimEnd().split('\n');
    assert.deepEqual(words.slice(-1 - args.length), [`${launcher}.cjs`, ...args]);
    return words.slice(0, -1 - args.length);
  };
  const nowhere = '--inspect-port=240.0.0.1:9229';
  assert.deepEqual(await optionsOf('-v', '-u', 'anna'), ['--v8-pool-size=1', nowhere]);
  assert.deepEqual(await optionsOf('-A'), [nowhere]);
});
