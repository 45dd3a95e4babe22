import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type Pair, startPair } from '../../lab/cyrus-server.ts';
import { startSyncClient, syncClient } from '../../lab/sync-client.ts';

let pair: Pair;
let list: string;

before(async () => {
  pair = await startPair();
  list = join(pair.master.directory, 'failures.txt');
  await using admin = await pair.master.imap();
  for (const user of ['anna', 'bert', 'carla']) await admin.ok(`CREATE user/${user}`);
});

after(async () => {
  await pair?.stop();
});

async function namesIn(path: string): Promise<string[]> {
  return (await readFile(path, 'utf8')).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
}

test('a run that is stopped while nobody is done lists everybody, and the list is taken again', async () => {
  await pair.replica.halt();
  const run = startSyncClient(pair.master, ['-A', '--failures', list]);
  await run.waitForOutput((_stdout, stderr) => stderr.includes('retrying'));
  assert.match(await readFile(list, 'utf8'), /^# INCOMPLETE/);
  run.kill('SIGTERM');
  const stopped = await run.result;
  assert.equal(stopped.code, 75, stopped.stderr);
  assert.match(stopped.stderr, /^3 users not replicated$/m);
  assert.match(await readFile(list, 'utf8'), /^# Complete/);
  assert.deepEqual((await namesIn(list)).sort(), ['anna', 'bert', 'carla']);

  await pair.replica.start();
  const again = await syncClient(pair.master, ['-v', '-u', '-f', list, '--failures', list]);
  assert.equal(again.code, 0, again.stderr);
  for (const user of ['anna', 'bert', 'carla']) assert.match(again.stdout, new RegExp(`^USER ${user}$`, 'm'));
  assert.match(await readFile(list, 'utf8'), /^# Complete/);
  assert.deepEqual(await namesIn(list), []);
});

test('a run that cannot go on counts everybody who was not replicated, however far it had read the list', async () => {
  await pair.replica.halt();
  try {
    const run = await syncClient(pair.master, ['-A', '-o', '--failures', list]);
    assert.equal(run.code, 1);
    assert.match(run.stderr, /^3 users not replicated$/m);
    assert.deepEqual((await namesIn(list)).sort(), ['anna', 'bert', 'carla']);
  } finally {
    await pair.replica.start();
  }
});

test('a list that cannot be written ends the run before anything is sent, and names the option', async () => {
  const run = await syncClient(pair.master, ['-v', '-A', '--failures', join(list, 'below-a-file')]);
  assert.equal(run.code, 64, run.stderr);
  assert.equal(run.stdout, '');
  assert.match(run.stderr, /^sync_client: --failures: .*below-a-file/m);
});

test('rolling mode refuses the option rather than leave the list empty', async () => {
  const log = join(pair.master.directory, 'input.log');
  await writeFile(log, 'USER anna\n');
  const run = await syncClient(pair.master, ['-R', '-f', log, '--failures', list]);
  assert.equal(run.code, 64, run.stderr);
  assert.match(run.stderr, /--failures/);
});
