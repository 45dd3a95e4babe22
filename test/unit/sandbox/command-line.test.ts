import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { fileURLToPath } from 'node:url';
import { startSandbox } from '../../../src/sandbox/start-sandbox.ts';
import { ScriptClient } from '../../lab/script-client.ts';
import { guidOf, mailboxCommand, upload } from '../../lab/with-sandbox.ts';

const PROGRAM = fileURLToPath(new URL('../../../bin/sync_sandbox.cjs', import.meta.url));

function run(
  args: string[],
  env: Record<string, string> = {},
): ChildProcess & { text: () => [string, string] } {
  const child = spawn(process.execPath, [PROGRAM, ...args], {
    env: { PATH: process.env.PATH ?? '', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const text: [string, string] = ['', ''];
  child.stdout?.on('data', (chunk: Buffer) => {
    text[0] += chunk.toString();
  });
  child.stderr?.on('data', (chunk: Buffer) => {
    text[1] += chunk.toString();
  });
  return Object.assign(child, { text: () => text });
}

async function inDirectory(use: (directory: string) => Promise<void>): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'sandbox-'));
  try {
    await use(directory);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

test('the program prints its address when ready, serves, and leaves cleanly on SIGTERM', async () => {
  await inDirectory(async (directory) => {
    const file = join(directory, 'password');
    await writeFile(file, 'hidden\n');
    const child = run(['--directory', join(directory, 'db'), '--password-file', file, '--user', 'me']);
    await once(child.stdout ?? child, 'data');
    const port = /^listening on 127\.0\.0\.1:(\d+)\n$/.exec(child.text()[0])?.[1];
    assert.ok(port !== undefined, child.text().join());
    await using client = await ScriptClient.login({ host: '127.0.0.1', port: Number(port) }, 'me', 'hidden');
    assert.equal((await client.say('APPLY SUB %(USERID anna MBOXNAME user.anna)')).final, 'OK success');
    child.kill('SIGTERM');
    const [code, signal] = await once(child, 'close');
    assert.deepEqual([code, signal], [0, null]);
    assert.equal(child.text()[1], '');
  });
});

test('on a full disk it does not start, and says so', async () => {
  await inDirectory(async (directory) => {
    const command = ['-d', join(directory, 'db')];
    // A limit on the size of files is to the process what a full disk would be.
    const shell = ['--norc', '-c', 'ulimit -f 0 && exec "$0" "$@"', process.execPath, PROGRAM, ...command];
    const child = spawn('bash', shell, {
      env: { PATH: process.env.PATH ?? '', SYNC_SANDBOX_PASSWORD: 'hidden' },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let said = '';
    child.stderr?.on('data', (chunk: Buffer) => {
      said += chunk.toString();
    });
    const [code, signal] = await once(child, 'close');
    assert.match(said, /^[^\n]*cannot open the sandbox's database: EFBIG[^\n]*with room[^\n]*\n$/);
    assert.equal(signal, null);
    assert.notEqual(code, 0);
  });
});

test('what was answered is still there after SIGKILL, and what was only staged is swept', async () => {
  await inDirectory(async (directory) => {
    const env = { SYNC_SANDBOX_PASSWORD: 'hidden' };
    const start = async () => {
      const child = run(['--directory', directory, '--user', 'me'], env);
      await once(child.stdout ?? child, 'data');
      const port = Number(/:(\d+)\n$/.exec(child.text()[0])?.[1]);
      return { child, client: await ScriptClient.login({ host: '127.0.0.1', port }, 'me', 'hidden') };
    };
    const first = await start();
    await upload(first.client, ['kept', 'only staged']);
    const record = { uid: 1, modseq: 3, guid: guidOf('kept'), size: 4 };
    const mailbox = { name: 'user.anna', uniqueid: 'aaaa', highestmodseq: 3, lastUid: 1, records: [record] };
    assert.equal((await first.client.say(mailboxCommand(mailbox))).final, 'OK success');
    first.child.kill('SIGKILL');
    await once(first.child, 'close');
    const second = await start();
    const fetch = `GET FETCH %(MBOXNAME user.anna PARTITION default UNIQUEID aaaa GUID ${guidOf('kept')} UID 1)`;
    assert.deepEqual((await second.client.say(fetch)).untagged, [
      `MESSAGE %{default ${guidOf('kept')} 4}\r\nkept`,
    ]);
    second.client.destroy();
    second.child.kill('SIGTERM');
    await once(second.child, 'close');
    await using after = await startSandbox({ directory, listen: { host: '127.0.0.1', port: 0 } });
    assert.deepEqual(Object.keys(after.inspect().contents), [guidOf('kept')]);
  });
});

test('clients are served on when nobody reads what the program says', async () => {
  await inDirectory(async (directory) => {
    const child = run(['--directory', directory, '--user', 'me', '--verbose'], {
      SYNC_SANDBOX_PASSWORD: 'hidden',
    });
    await once(child.stdout ?? child, 'data');
    const address = { host: '127.0.0.1', port: Number(/:(\d+)\n$/.exec(child.text()[0])?.[1]) };
    child.stdout?.destroy();
    child.stderr?.destroy();
    await using client = await ScriptClient.login(address, 'me', 'hidden');
    // Each refusal is a line.
    for (let times = 0; times < 3; times++) {
      assert.match((await client.say('APPLY UNMAILBOX user.nobody')).final, /^NO /);
    }
    child.kill('SIGTERM');
    assert.deepEqual(await once(child, 'close'), [0, null]);
  });
});

test('mail is for its owner alone, whatever the mode of the directory', async () => {
  await inDirectory(async (directory) => {
    const open = join(directory, 'open');
    await mkdir(open, { mode: 0o755 });
    await using _ = await startSandbox({ directory: open });
    for (const name of await readdir(open)) assert.equal((await stat(join(open, name))).mode & 0o77, 0, name);
  });
});

test("a directory, and a socket, is one sandbox's at a time, and goes with its process", async () => {
  await inDirectory(async (directory) => {
    const path = join(directory, 'socket');
    const [first, second] = [join(directory, 'first'), join(directory, 'second')];
    const start = (db: string, socket: string) => run(['--directory', db, '--listen', socket]);
    const child = start(first, path);
    await once(child.stdout ?? child, 'data');
    await using client = await ScriptClient.connect({ path });
    await client.answer();
    await upload(client, ['staged']);
    for (const [db, socket, said] of [
      [first, join(directory, 'elsewhere'), /first: .*another sandbox has it/],
      [second, path, /cannot listen on .*EADDRINUSE/],
    ] as const) {
      const other = start(db, socket);
      assert.deepEqual(await once(other, 'close'), [75, null], other.text().join());
      assert.match(other.text()[1], said);
    }
    const record = { uid: 1, modseq: 3, guid: guidOf('staged'), size: 6 };
    const mailbox = { name: 'user.anna', uniqueid: 'aaaa', highestmodseq: 3, lastUid: 1, records: [record] };
    assert.equal((await client.say(mailboxCommand(mailbox))).final, 'OK success');
    child.kill('SIGKILL');
    await once(child, 'close');
    await using after = await startSandbox({ directory: first, listen: { path } });
    assert.deepEqual(after.inspect().contents, { [guidOf('staged')]: guidOf('staged') });
  });
});

test('every failure is one line and the exit code of its kind', async () => {
  await inDirectory(async (directory) => {
    const file = join(directory, 'file');
    await writeFile(file, '');
    const password = { SYNC_SANDBOX_PASSWORD: 'x' };
    const cases: [args: string[], env: Record<string, string>, code: number, line: RegExp][] = [
      [[], password, 64, /--directory/],
      [['--directory', directory, '--listen', 'nonsense'], password, 64, /Expected host:port/],
      [['--directory', directory, '--bogus'], password, 64, /--bogus/],
      [['--directory', directory, '--listen', `/${'x'.repeat(107)}`], {}, 64, /of at most 107 octets/],
      [['--directory', directory], {}, 64, /no password: give --password-file/],
      [
        ['--directory', directory, '--password-file', join(directory, 'none')],
        {},
        64,
        /cannot read the password file/,
      ],
      [['--directory', join(file, 'db')], password, 75, /cannot open the sandbox's database/],
      [
        ['--directory', directory, '--listen', '192.0.2.1:1'],
        password,
        75,
        /cannot listen on 192\.0\.2\.1:1/,
      ],
    ];
    for (const [args, env, expected, line] of cases) {
      const child = run(args, env);
      const [code] = await once(child, 'close');
      const [stdout, stderr] = child.text();
      assert.equal(code, expected, `${args.join(' ')}: ${stderr}`);
      assert.match(stderr, line);
      assert.equal(stderr.trimEnd().split('\n').length, 1, stderr);
      assert.equal(stdout, '');
    }
  });
});
