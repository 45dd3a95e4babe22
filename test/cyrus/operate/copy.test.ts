import assert from 'node:assert/strict';
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { assertNothingLeft, assertSameMail } from '../../lab/assert-same-mail.ts';
import { type Pair, startPair } from '../../lab/cyrus-server.ts';
import { populate } from '../../lab/populate.ts';
import { startSyncClient, syncClient, syncClientOk } from '../../lab/sync-client.ts';
import { Control } from './control.ts';
import { CountingProxy } from './counting-proxy.ts';

/** More than are handed to one connection at a time. */
const EMPTY_USERS = 150;
const USERS = 8;

let pair: Pair;
let users: string[];
let directory: string;

before(async () => {
  pair = await startPair();
  users = (await populate(pair.master, { users: USERS })).users;
  await using admin = await pair.master.imap();
  for (let index = 0; index < EMPTY_USERS; index++) {
    await admin.ok(`CREATE user/empty${index}`);
    users.push(`empty${index}`);
  }
  directory = pair.master.directory;
});

after(async () => {
  await pair?.stop();
});

test('workers, bwlimit, pause, now and skip take effect during a copy, and nothing is lost', async () => {
  await using proxy = await CountingProxy.start(pair.replica.syncPort);
  const control = new Control(join(directory, 'copy.sock'));
  const syslog = join(directory, 'copy.log');
  const server = `127.0.0.1:${proxy.port}`;
  const copy = startSyncClient(
    pair.master,
    ['-S', server, '-u', ...users, '--workers', '1', '--bwlimit', '2K', '--control', control.path],
    { env: { CASSANDANE_SYSLOG_FNAME: syslog } },
  );
  // Until all are found, whoever is not known may be one of those to come.
  await control.until('at work', ({ users: { running, allFound } }) => running > 0 && allFound);
  const waiting = (await control.ask('users waiting')).split('\n');
  const [skipped = '', ...others] = waiting;
  const hurried = others.at(-1) ?? '';
  assert.equal(await control.ask(`skip ${skipped}`), `skip ${skipped}: ok`);
  assert.equal(
    await control.ask('skip nobody-at-all'),
    'error: skip nobody-at-all: no such user is left to be replicated here',
  );

  await control.ask('pause backups');
  await control.until('paused', ({ standing }) => standing.word === 'throttled');
  const { octets } = proxy;
  assert.match(await control.ask('status'), /^throttled: paused by hand: backups/);
  assert.match(await control.ask('workers=3'), /^workers=3/);
  assert.equal(await control.ask(`now ${hurried}`), `now ${hurried}: ok`);
  // What was on its way into the socket when the order came, and no more.
  assert.ok(proxy.octets - octets < 4_096, `${proxy.octets - octets} octets while paused`);

  await control.ask('bwlimit=50K');
  assert.match(await control.ask('resume'), /^not paused/);
  await control.until('three connections', ({ connections }) => connections.length === 3);
  await control.ask('bwlimit=off');
  const result = await copy.result;
  assert.equal(result.code, 75, result.stderr);
  assert.match(
    result.stderr,
    /users were skipped, as asked while it ran; run again to continue\n1 users not replicated/,
  );
  assert.ok(!existsSync(control.path), 'the socket is gone with the run');
  assert.equal(proxy.mostOpen, 3);
  const { readFileSync } = await import('node:fs');
  const log = readFileSync(syslog, 'latin1');
  for (const line of [
    ...[/steered: bwlimit=<2000>/, /steered: paused: paused by hand: backups/, /steered: workers=<3>/],
    ...[/steered: resumed/, /steered: bwlimit=<off>/, new RegExp(`steered: skip '${skipped}'`)],
  ]) {
    assert.match(log, line);
  }

  const rest = await syncClient(pair.master, ['-A']);
  assert.equal(rest.code, 0, rest.stderr);
  await assertNothingLeft(pair);
  await assertSameMail(pair.master, pair.replica, users);
});

for (const connections of [1, 8]) {
  test(`at the socket the rate is kept, with ${connections} connections`, async () => {
    await using other = await startPair();
    await populate(other.master, { users: USERS });
    await using proxy = await CountingProxy.start(other.replica.syncPort);
    const rate = 200_000;
    const began = process.hrtime.bigint();
    let most = Number.NEGATIVE_INFINITY;
    proxy.onOctets = (octets) => {
      const seconds = Number(process.hrtime.bigint() - began) / 1e9;
      // What the bucket lends at once, and the logins, which nobody holds up.
      most = Math.max(most, octets - (rate * (seconds + 0.2) * 1.05 + connections * 2_000));
    };
    const limit = ['--workers', String(connections), '--bwlimit', String(rate)];
    await syncClientOk(other.master, ['-A', '-S', `127.0.0.1:${proxy.port}`, ...limit]);
    assert.ok(proxy.octets > rate, `only ${proxy.octets} octets`);
    assert.ok(most <= 0, `${most} octets too many at one time`);
    await assertNothingLeft(other);
  });
}

test('a copy waits while the pause file exists, and says so', async () => {
  const pauseFile = join(directory, 'quiet');
  writeFileSync(pauseFile, '');
  const control = new Control(join(directory, 'paused.sock'));
  const copy = startSyncClient(pair.master, ['-A', '--pause-file', pauseFile, '--control', control.path]);
  await control.until('held', ({ standing }) => standing.word === 'throttled');
  assert.match(await control.ask('status'), new RegExp(`^throttled: pause file ${pauseFile} `));
  assert.equal((await control.view()).users.done, 0);
  rmSync(pauseFile);
  assert.equal((await copy.result).code, 0);
});

test('a wrong limit, an unusable socket and a living one are refused in one line before anything is begun', async () => {
  const taken = join(directory, 'taken.sock');
  const pauseFile = join(directory, 'held');
  writeFileSync(pauseFile, '');
  const first = startSyncClient(pair.master, ['-A', '--control', taken, '--pause-file', pauseFile]);
  const control = new Control(taken);
  await control.until('held', ({ standing }) => standing.word === 'throttled');
  for (const [args, said] of [
    [['--bwlimit', 'fast'], /option --bwlimit expects off, or octets a second .*, found "fast"/],
    [['--bwlimit', '08:00,2M 25:00,off'], /option --bwlimit expects .* timetable/],
    [['--pause-file', 'quiet'], /option --pause-file expects an absolute path, found "quiet"/],
    [['--pause-url', 'ftp://host/'], /option --pause-url expects an http or https address/],
    [['--max-load', '0'], /option --max-load expects a load above 0/],
    [['--control', 'run.sock'], /option --control expects the absolute path of a socket, or off/],
    [['--control', '/proc/run.sock'], /--control: expected a place for a socket, found \/proc\/run\.sock: /],
    [['--control', taken], /--control: .*another run answers there/],
    [['--stats', 'often'], /option --stats expects a duration/],
  ] as const) {
    const result = await syncClient(pair.master, ['-v', '-A', ...args]);
    assert.equal(result.code, 64, `${args.join(' ')}: ${result.stderr}`);
    assert.match(result.stderr.split('\n')[0] ?? '', said);
    assert.equal(result.stdout, '');
  }
  assert.match(await control.ask('stop'), /^stopping/);
  assert.equal((await first.result).code, 75);
});
