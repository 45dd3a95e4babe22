import assert from 'node:assert/strict';
import { once } from 'node:events';
import { rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type Pair, startPair } from '../../lab/cyrus-server.ts';
import { freePorts } from '../../lab/free-ports.ts';
import { runAs, type ToolResult } from '../../lab/processes.ts';
import { syncClient, syncClientCommand } from '../../lab/sync-client.ts';
import { UNKNOWN_HOST } from '../../lab/unknown-host.ts';

let pair: Pair;

before(async () => {
  pair = await startPair();
  await using admin = await pair.master.imap();
  await admin.ok('CREATE user/anna');
});

after(async () => {
  await pair?.stop();
});

/** Changes imapd.conf of the master for one run. */
async function syncWith(
  settings: Record<string, string | undefined>,
  args: readonly string[],
): Promise<ToolResult> {
  const { master } = pair;
  const former = Object.keys(settings).map((key) => [key, master.setting(key)] as const);
  for (const [key, value] of Object.entries(settings)) master.configure(key, value);
  await master.writeConfiguration();
  try {
    return await syncClient(master, args, { deadline: 60_000 });
  } finally {
    for (const [key, value] of former) master.configure(key, value);
    await master.writeConfiguration();
  }
}

/** One line for people: what went wrong, not where in the program. */
function assertRefused(run: ToolResult, code: number, message: RegExp): void {
  assert.equal(run.code, code, `${run.stdout}${run.stderr}`);
  assert.doesNotMatch(run.stderr, /^\s+at /m, 'a stack trace is no message');
  const ours = run.stderr.split('\n').filter((line) => line.startsWith('sync_client: '));
  assert.equal(ours.length, 1, `expected one line of the program, found:\n${run.stderr}`);
  assert.match(ours[0] ?? '', message);
}

test('a wrong password ends the run with a message that does not show it', async () => {
  const run = await syncWith({ sync_password: 'not-the-password' }, ['-A']);
  assertRefused(run, 1, /authenti|password|login/i);
  assert.doesNotMatch(`${run.stdout}${run.stderr}`, /not-the-password/);
});

test('-1 with a wrong password ends with the same message', async () => {
  const run = await syncWith({ sync_password: 'not-the-password', sync_log: 'yes' }, ['-1']);
  assertRefused(run, 1, /authenti|password|login/i);
  assert.doesNotMatch(run.stderr, /retrying/);
});

test('a replica whose name cannot be found ends the run', async () => {
  const run = await syncWith({ sync_host: UNKNOWN_HOST }, ['-A']);
  assertRefused(run, 1, /x{64}\.invalid/);
});

test('a closed port with -o ends the run at once', async () => {
  const [port = 0] = await freePorts(1);
  const run = await syncWith({ sync_port: String(port) }, ['-A', '-o']);
  assertRefused(run, 1, /127\.0\.0\.1|refused/i);
  assert.match(run.stderr, /^Can not connect to server '127\.0\.0\.1'$/m);
  assert.doesNotMatch(run.stderr, /retrying/);
});

test('a server that is no Cyrus replica ends the run', async () => {
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.end('SSH-2.0-OpenSSH_9.2\r\n');
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  try {
    const run = await syncWith({ sync_port: String(port) }, ['-A', '-o']);
    assertRefused(run, 1, /127\.0\.0\.1|server|greeting/i);
  } finally {
    server.close();
  }
});

test('a missing imapd.conf is named and exits 78', async () => {
  const file = join(pair.master.directory, 'no-such-imapd.conf');
  const run = await runAs([...syncClientCommand(), '-C', file, '-A']);
  assertRefused(run, 78, /no-such-imapd\.conf/);
});

test('a broken imapd.conf is named with its line and exits 78', async () => {
  const file = join(pair.master.directory, 'broken-imapd.conf');
  await writeFile(file, 'configdirectory: /var/lib/cyrus\nthis is no option\n');
  const run = await runAs([...syncClientCommand(), '-C', file, '-A']);
  assertRefused(run, 78, /broken-imapd\.conf\D*2\b/);
  await rm(file);
});

test('no sync_host exits 70', async () => {
  const run = await syncWith({ sync_host: undefined }, ['-A']);
  assertRefused(run, 70, /sync_host/);
});

test('an unknown option exits 64', async () => {
  const run = await syncClient(pair.master, ['-A', '--no-such-option']);
  assertRefused(run, 64, /--no-such-option/);
});

test('two modes exit 64', async () => {
  const run = await syncClient(pair.master, ['-A', '-u', 'anna']);
  assertRefused(run, 64, /Mutually exclusive options defined/);
});

test('no mode exits 64', async () => {
  const run = await syncClient(pair.master, ['anna']);
  assertRefused(run, 64, /No replication mode specified/);
});

test('with --exit-codes extended each way of not getting a connection has its own code', async () => {
  const [port = 0] = await freePorts(1);
  const extended = ['-A', '-o', '--exit-codes', 'extended'];
  const codeWith = async (settings: Record<string, string>): Promise<number> =>
    (await syncWith(settings, extended)).code;
  assert.equal(await codeWith({ sync_host: UNKNOWN_HOST }), 68);
  assert.equal(await codeWith({ sync_port: String(port) }), 69);
  assert.equal(await codeWith({ sync_port: String(pair.replica.sievePort) }), 76);
  assert.equal(await codeWith({ sync_password: 'not-the-password' }), 77);
});
