import assert from 'node:assert/strict';
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import test from 'node:test';
import { programVersion } from '../../../../src/cli/arguments/program-version.ts';
import { LAUNCHER, startCommand } from '../../../lab/start-command.ts';

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

test('what is young in the heap has little room, however much is made', async () => {
  await using folder = await entriesAlone();
  const entry = `
    let alive = [];
    for (let made = 0; made < 2_000_000; made += 1) {
      alive.push({ made });
      if (alive.length > 100_000) alive = [];
    }
    const young = require('node:v8').getHeapSpaceStatistics().find((each) => each.space_name === 'new_space');
    process.stdout.write(String(young.space_size));
  `;
  await writeFile(join(folder.path, 'bin', 'sync_client.cjs'), entry);
  const run = startCommand([join(folder.path, 'bin', 'sync_client')]);
  assert.equal(await run.end, 0, run.stderr());
  assert.ok(Number(run.stdout()) > 0);
  assert.ok(Number(run.stdout()) <= 8 * 1024 ** 2, run.stdout());
});
