import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { Pair } from '../../lab/cyrus-server.ts';
import { damageSite, filesOf, type UserFiles } from '../../lab/damage-site.ts';
import { runAs } from '../../lab/processes.ts';
import { syncClient, syncClientCommand } from '../../lab/sync-client.ts';

/** A run takes a second; one that waits for a FIFO would take for ever. */
const DEADLINE_MS = 60_000;

let pair: Pair;
let anna: UserFiles;

before(async () => {
  pair = await damageSite(['anna', 'bob']);
  anna = await filesOf(pair.master, 'anna');
});

after(async () => {
  await pair?.stop();
});

/** Puts something else in the place of a file, replicates everything, and puts the file back. */
async function replaced(
  path: string,
  put: (path: string) => void,
): Promise<{ code: number | null; stderr: string }> {
  renameSync(path, `${path}.aside`);
  try {
    put(path);
    return await syncClient(pair.master, ['-A'], { deadline: DEADLINE_MS });
  } finally {
    rmSync(path, { recursive: true });
    renameSync(`${path}.aside`, path);
  }
}

function files(): Record<string, string> {
  return {
    'a message': join(anna.work, '1.'),
    'a header': join(anna.work, 'cyrus.header'),
    'an index': join(anna.work, 'cyrus.index'),
    'annotations of messages': join(anna.work, 'cyrus.annotations'),
    subscriptions: anna.personal('sub'),
    'a seen state': anna.personal('seen'),
    counters: anna.personal('counters'),
    conversations: anna.personal('conversations'),
    'a quota': anna.quota,
    'the annotations': join(pair.master.configDirectory, 'annotations.db'),
    'the mailbox list': join(pair.master.configDirectory, 'mailboxes.db'),
  };
}

test('a FIFO in the place of any file of the store is named, and nobody waits for it', async () => {
  for (const [what, path] of Object.entries(files())) {
    const run = await replaced(path, (at) => execFileSync('mkfifo', ['-m', '666', at]));
    assert.equal(run.code, 1, `${what}: ${run.stderr}`);
    assert.ok(run.stderr.includes(`${path}: a FIFO, not a regular file`), `${what}: ${run.stderr}`);
  }
});

test('a directory, a device and a socket are no files either', async () => {
  const header = join(anna.work, 'cyrus.header');
  const put: Record<string, (path: string) => void> = {
    'a directory': (path) => mkdirSync(path),
    'a device': (path) => execFileSync('mknod', ['-m', '666', path, 'c', '1', '5']),
    'a socket': (path) =>
      execFileSync('python3', [
        '-c',
        'import socket,sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])',
        path,
      ]),
  };
  for (const [what, make] of Object.entries(put)) {
    const run = await replaced(header, make);
    assert.equal(run.code, 1, `${what}: ${run.stderr}`);
    assert.ok(run.stderr.includes(`${header}: ${what}, not a regular file`), `${what}: ${run.stderr}`);
  }
});

test('a sparse file of 8 GiB in the place of a small one is damage, not a reason to fill the memory', async () => {
  // Files that are read although all messages are on the replica already.
  const unread = ['a message', 'annotations of messages'];
  for (const [what, path] of Object.entries(files())) {
    if (unread.includes(what)) continue;
    const run = await replaced(path, (at) => {
      writeFileSync(at, '', { mode: 0o644 });
      truncateSync(at, 8 * 2 ** 30);
    });
    assert.equal(run.code, 1, `${what}: ${run.stderr}`);
    assert.ok(run.stderr.includes(path), `${what}: ${run.stderr}`);
    assert.doesNotMatch(run.stderr, /\bBUG\b|ERR_|^\s+at /m, what);
  }
});

test('a list of names comes from a pipe that the shell hands over, and so do the lines of a log', async () => {
  const run = async (options: string) =>
    await runAs(
      [
        'bash',
        '--norc',
        '-c',
        `exec "$@" ${options}`,
        'bash',
        ...syncClientCommand(),
        '-C',
        pair.master.configFile,
      ],
      { cwd: pair.master.directory, deadline: DEADLINE_MS },
    );
  const once = await run("-v -u -f <(printf 'bob\\n')");
  assert.equal(once.code, 0, once.stderr);
  assert.match(once.stdout, /^USER bob$/m);
  const rolling = await run("-v -R -f <(printf 'USER bob\\n')");
  assert.equal(rolling.code, 0, rolling.stderr);
  assert.match(rolling.stdout, /^USER bob$/m);
});
