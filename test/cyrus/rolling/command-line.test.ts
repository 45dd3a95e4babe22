import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after, before, beforeEach, test } from 'node:test';
import { assertSameMailOf } from '../../lab/assert-same-mail.ts';
import { type Pair, startPair } from '../../lab/cyrus-server.ts';
import { lockUser } from '../../lab/lock-user.ts';
import { placeFile } from '../../lab/place-file.ts';
import { append } from '../../lab/populate.ts';
import { cyrusIdentity } from '../../lab/processes.ts';
import { RollingClient } from '../../lab/rolling-client.ts';
import { syncClient, syncClientCommand, syncClientOk } from '../../lab/sync-client.ts';
import { content, logFile, settled, until } from '../../lab/until.ts';

const USERS = ['anna', 'bob', 'chiara'];

let pair: Pair;
let log: string;

before(async () => {
  pair = await startPair({ master: { imapd: { sync_log: 'yes', sync_reconnect_maxwait: '1' } } });
  log = logFile(pair.master);
  await using admin = await pair.master.imap();
  for (const user of USERS) await admin.ok(`CREATE user/${user}`);
});

after(async () => {
  await pair?.stop();
});

/** Each test begins with both ends alike and an empty log. */
beforeEach(async () => {
  await syncClientOk(pair.master, ['-1']);
  assert.ok(!existsSync(log) && !existsSync(`${log}-run`));
});

let messages = 0;

async function change(user: string): Promise<void> {
  await using client = await pair.master.imap(user);
  await append(client, 'INBOX', 1, `message ${messages++}`, user);
}

async function assertSynced(...users: string[]): Promise<void> {
  await assertSameMailOf(pair.master, pair.replica, users);
}

async function messagesOnReplica(user: string): Promise<string> {
  await using client = await pair.replica.imap(user);
  const [answer] = await client.ok('STATUS INBOX (MESSAGES)');
  return JSON.stringify(answer);
}

function file(name: string, text: string): string {
  const path = join(pair.master.directory, name);
  placeFile(path, text);
  return path;
}

test('-1 does what the log says, once, leaves nothing behind and exits 0', async () => {
  await change('anna');
  const run = await syncClient(pair.master, ['-1', '-v']);
  assert.equal(run.code, 0, run.stderr);
  assert.match(run.stdout, /^MAILBOX user\.anna$/m);
  assert.ok(!existsSync(log) && !existsSync(`${log}-run`));
  await assertSynced('anna');
});

test('-1 exits 1 for a user that cannot be done, keeps such lines in log-run, and does them the next time', async () => {
  const held = await lockUser(pair.master, 'anna', '127.0.0.1');
  try {
    await change('anna');
    await change('bob');
    const run = await syncClient(pair.master, ['-1']);
    assert.equal(run.code, 1, run.stderr);
    await assertSynced('bob');
    assert.match(content(`${log}-run`), /^(MAILBOX user\.anna|USER anna)$/m);
    assert.doesNotMatch(content(`${log}-run`), /bob/);
  } finally {
    await held.release();
  }
  await syncClientOk(pair.master, ['-1']);
  await assertSynced('anna');
});

test('-f FILE: its lines are done, the file is left as it is and the log of the channel is not touched', async () => {
  await change('anna');
  await change('bob');
  const lines = 'MAILBOX user.anna\nNONSENSE x\nUSER nobody\n';
  const path = file('other-log', lines);
  const logged = content(log);
  const run = await syncClient(pair.master, ['-R', '-f', path, '--log-to-stderr']);
  assert.equal(run.code, 0, run.stderr);
  assert.equal(readFileSync(path, 'utf8'), lines);
  assert.equal(content(log), logged);
  assert.match(run.stderr, /other-log line 2 skipped/);
  await assertSynced('anna');
});

test('-f - reads standard input to its end, the last line without a line feed included', async () => {
  await change('chiara');
  rmSync(log);
  await syncClientOk(pair.master, ['-R', '-f', '-'], { input: 'MAILBOX user.chiara' });
  await assertSynced('chiara');
});

test('-f with a file that is not there exits 1 and names it', async () => {
  for (const more of [[], ['--log-to-stderr']]) {
    const run = await syncClient(pair.master, ['-R', '-f', '/nowhere/log', ...more]);
    assert.equal(run.code, 1);
    assert.equal(run.stderr.split('\n').filter((line) => line.includes('/nowhere/log')).length, 1);
  }
});

test('a line of -f that is none is named on standard error, and the others are done', async () => {
  await change('chiara');
  const { code, stderr } = await syncClient(pair.master, [
    ...['-R', '-f', file('half', 'GARBAGE x\nMAILBOX user.chiara\n')],
  ]);
  assert.equal(code, 0);
  assert.match(stderr, /^sync_client: .*\/half line 1 skipped: expected .*, found/m);
  await assertSynced('chiara');
});

test('sync_empty_file', async () => {
  const run = await syncClient(pair.master, ['-R', '-f', file('empty-log', '')]);
  assert.equal(run.code, 0, run.stderr);
});

test('-F: a shutdown file ends the client with 0 before the first pass, and is removed', async () => {
  await change('anna');
  const logged = content(log);
  const path = file('shutdown', '');
  const run = await syncClient(pair.master, ['-R', '-F', path]);
  assert.equal(run.code, 0, run.stderr);
  assert.ok(!existsSync(path));
  assert.equal(content(log), logged);
  assert.ok(!existsSync(`${log}-run`));
});

test('-F: a shutdown file ends a client at work with 0, and is removed', async () => {
  const path = join(pair.master.directory, 'shutdown');
  const client = new RollingClient(pair, ['-F', path]);
  await change('anna');
  await client.settled();
  file('shutdown', '');
  assert.equal((await client.tool.result).code, 0);
  assert.ok(!existsSync(path));
  await assertSynced('anna');
});

test('-t: the session is renewed again and again, and -d: the log is not looked at before its time', async () => {
  await change('anna');
  await using client = new RollingClient(pair, ['-t', '1', '-d', '3600']);
  await client.settled();
  await change('bob');
  const seen = client.log.length;
  await until(
    'three renewals',
    () => (client.log.slice(seen).match(/sync_client RESTART succeeded/g) ?? []).length >= 3,
  );
  assert.match(content(log), /^MAILBOX user\.bob$/m);
  assert.ok(!existsSync(`${log}-run`));
});

test('TERM in the middle of the work: exit 75, and what was not done is done by the next one', async () => {
  const client = new RollingClient(pair, ['-v']);
  // In the middle, for somebody is locked.
  const held = await lockUser(pair.master, 'anna', '127.0.0.1');
  await change('anna');
  await change('bob');
  await client.waitForLog(/'anna' is being synced elsewhere/);
  assert.equal((await client.stop()).code, 75);
  await held.release();
  assert.match(client.log, /graceful shutdown/);
  assert.match(content(`${log}-run`), /anna/);
  await syncClientOk(pair.master, ['-1']);
  await assertSynced('anna', 'bob');
});

test('TERM with nothing to do: exit 75 and no log-run', async () => {
  const client = new RollingClient(pair, ['-v', '-v']);
  await client.tool.waitForOutput((_, stderr) => /<OK Success/.test(stderr));
  assert.equal((await client.stop()).code, 75);
  assert.ok(!existsSync(`${log}-run`));
});

/** Processes of the client for this master, by command line. */
function processes(): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        const words = readFileSync(`/proc/${pid}/cmdline`, 'latin1').split('\0');
        return words.includes(pair.master.configFile) && words.includes('-r');
      } catch {
        // It has ended since the directory was read.
        return false;
      }
    })
    .map(Number);
}

async function startInBackground(environment: Record<string, string>, ...args: string[]) {
  const [program = '', ...words] = [...syncClientCommand(), '-C', pair.master.configFile, '-r', ...args];
  const child = spawn(program, words, {
    ...cyrusIdentity(),
    cwd: pair.master.directory,
    env: { ...process.env, ...environment },
    stdio: 'ignore',
  });
  return { child, exit: once(child, 'exit') as Promise<[number | null]> };
}

test('-r: the parent ends at once with 0, another process goes on, and a shutdown file ends it', async () => {
  const path = join(pair.master.directory, 'shutdown-r');
  const { exit } = await startInBackground({}, '-F', path);
  assert.deepEqual((await exit)[0], 0);
  await until('a process in the background', () => processes().length === 1);
  await change('anna');
  await settled(pair.master);
  await assertSynced('anna');
  file('shutdown-r', '');
  await until('its end', () => processes().length === 0);
  assert.ok(!existsSync(path));
});

test('-r with $CYRUS_ISDAEMON, as under the master process of Cyrus: it stays where it is', async () => {
  const { child, exit } = await startInBackground({ CYRUS_ISDAEMON: '1' });
  await change('anna');
  await settled(pair.master);
  await assertSynced('anna');
  assert.deepEqual(processes(), [child.pid]);
  child.kill('SIGTERM');
  assert.equal((await exit)[0], 75);
});

test('a warning at start when no server writes the log, with what to set', async () => {
  const stopped = file('shutdown', '');
  pair.master.configure('sync_log', 'no');
  await pair.master.writeConfiguration();
  try {
    const run = await syncClient(pair.master, ['-R', '-F', stopped]);
    assert.match(run.stdout + run.stderr, /sync_log is off.*set "sync_log: yes"/);
  } finally {
    pair.master.configure('sync_log', 'yes');
    await pair.master.writeConfiguration();
  }
  file('shutdown', '');
  const other = await syncClient(pair.master, ['-R', '-n', 'offsite', '-F', stopped]);
  assert.match(other.stdout + other.stderr, /channel offsite is not in sync_log_channels.*offsite/);
  file('shutdown', '');
  const right = await syncClient(pair.master, ['-R', '-F', stopped]);
  assert.doesNotMatch(right.stdout + right.stderr, /sync_log/);
});

test('SIGUSR1: one line that says how far behind it is', async () => {
  await using client = new RollingClient(pair, ['-v']);
  const held = await lockUser(pair.master, 'anna', '127.0.0.1');
  await change('anna');
  await client.waitForLog(/'anna' is being synced elsewhere/);
  const behind =
    /backlog: channel=<> link=<up> lines=<[1-9]\d*> oldest=<\d+\.\d s> inflight=<0> waiting=<1> locked=<1> quarantined=<>/;
  // Asked again where anna was being tried once more just then.
  await until(
    'the answer',
    () => {
      client.tool.kill('SIGUSR1');
      return behind.test(client.log);
    },
    () => client.log,
  );
  await held.release();
  await client.settled();
  client.tool.kill('SIGUSR1');
  await client.waitForLog(
    /link=<up> lines=<0> oldest=<> inflight=<0> waiting=<0> locked=<0> quarantined=<> lastsuccess=<2/,
  );
  await assertSynced('anna');
});

test('skipuser-USER: nobody touches that user until the file is removed', async () => {
  const skip = join(dirname(log), 'skipuser-anna');
  mkdirSync(dirname(log), { recursive: true });
  writeFileSync(skip, '');
  await using client = new RollingClient(pair);
  try {
    const former = await messagesOnReplica('anna');
    await change('anna');
    await change('bob');
    await client.waitForLog(/'anna' is skipped by its skipuser file/);
    await until('the other', () => !/bob/.test(content(log) + content(`${log}-run`)) || bobIsThere());
    assert.equal(await messagesOnReplica('anna'), former);
  } finally {
    rmSync(skip);
  }
  await client.settled();
  await assertSynced('anna', 'bob');
});

async function bobIsThere(): Promise<boolean> {
  const both = [pair.master, pair.replica].map(async (server) => {
    await using client = await server.imap('bob');
    const [answer] = await client.ok('STATUS INBOX (MESSAGES)');
    return JSON.stringify(answer);
  });
  const [here, there] = await Promise.all(both);
  return here === there;
}

function settings(text: string): string[] {
  return ['--settings', file(`settings-${messages++}.ini`, text)];
}

/** `ENABLE` is printed before the link counts as up: what has been replicated proves that it is. */
async function idleButConnected(client: RollingClient): Promise<void> {
  await change('anna');
  await client.settled();
}

for (const [name, args] of Object.entries({
  exit_when_replica_gone: () => settings('exit_when_replica_gone = yes\n'),
  '-o': () => ['-o'],
})) {
  test(`clean_remote_shutdown_while_rolling: with ${name} the client ends with 0 and without an error`, async () => {
    const client = new RollingClient(pair, ['-v', ...args()]);
    await idleButConnected(client);
    try {
      await pair.replica.halt();
      assert.equal((await client.tool.result).code, 0);
      assert.doesNotMatch(client.log, /IOERROR/);
    } finally {
      await pair.replica.start();
    }
  });
}

test('clean_remote_shutdown_while_rolling: without the setting the client stays, and goes on when the replica is back', async () => {
  await using client = new RollingClient(pair, ['-v']);
  await idleButConnected(client);
  try {
    await pair.replica.halt();
    await client.waitForLog(/closed the idle connection|connect.*failed/i);
    await change('anna');
  } finally {
    await pair.replica.start();
  }
  await client.settled();
  assert.doesNotMatch(client.log, /IOERROR/);
  await assertSynced('anna');
});

test('rolling_retry_wait_limit: the waits printed do not exceed sync_reconnect_maxwait, and TERM ends them with 75', async () => {
  await pair.replica.halt();
  try {
    const client = new RollingClient(pair);
    await client.tool.waitForOutput((_, stderr) => (stderr.match(/retrying in/g) ?? []).length >= 3);
    const { code, stderr } = await client.stop();
    assert.equal(code, 75);
    assert.deepEqual(
      [...new Set(stderr.match(/Can not connect to server '127\.0\.0\.1', retrying in \d+ seconds/g))],
      ["Can not connect to server '127.0.0.1', retrying in 1 seconds"],
    );
  } finally {
    await pair.replica.start();
  }
});

test('readers of standard output and error that go away do not end the client', async () => {
  const [program = '', ...words] = [...syncClientCommand(), '-C', pair.master.configFile, '-R', '-v', '-v'];
  const child = spawn(program, words, {
    ...cyrusIdentity(),
    cwd: pair.master.directory,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const exit = once(child, 'exit');
  child.stdout.destroy();
  child.stderr.destroy();
  await change('anna');
  await settled(pair.master);
  await assertSynced('anna');
  child.kill('SIGTERM');
  assert.deepEqual(await exit, [75, null]);
});
