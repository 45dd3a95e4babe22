import assert from 'node:assert/strict';
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type Pair, startPair } from '../../lab/cyrus-server.ts';
import { append } from '../../lab/populate.ts';
import { assertInStep, RollingClient } from '../../lab/rolling-client.ts';
import { linesOfItsCyrus } from '../../lab/settings-of-its-cyrus.ts';
import { syncClient } from '../../lab/sync-client.ts';
import { until } from '../../lab/until.ts';
import { Control } from './control.ts';

const USERS = ['anna', 'bert', 'carl', 'dora', 'emil', 'fred'];
const ROUNDS = 4;

let pair: Pair;

before(async () => {
  pair = await startPair({ master: { imapd: { sync_log: 'yes' } } });
  await using admin = await pair.master.imap();
  for (const user of USERS) await admin.ok(`CREATE user/${user}`);
});

after(async () => {
  await pair?.stop();
});

async function deliver(users: readonly string[], round: number): Promise<void> {
  for (const user of users) {
    await using client = await pair.master.imap(user);
    await append(client, 'INBOX', 1, `${user} ${round}`, user);
  }
}

test('a channel under load is paused, limited, given more connections and told whom to skip, and loses nothing', async () => {
  const control = new Control(join(pair.master.directory, 'rolling.sock'));
  await using client = new RollingClient(pair, ['--workers', '1', '--control', control.path]);
  await control.until('idle', ({ standing, users }) => standing.word === 'idle' && users.done > 0);

  await control.ask('pause');
  await deliver(USERS, 1);
  await until('lines behind', async () => /lines=<[1-9]/.test(await control.ask('backlog')));
  assert.match(await control.ask('status'), /^throttled: paused by hand \(rolling /);
  const { done } = (await control.view()).users;
  assert.match(await control.ask('workers=4'), /^workers=4/);
  assert.match(await control.ask('skip anna'), /^skip anna: ok/);
  assert.match(await control.ask('now fred'), /^now fred: ok/);
  assert.match(await control.ask('bwlimit=50K'), /^bwlimit=50K, now 50\.0 kB\/s/);
  assert.equal((await control.view()).users.done, done, 'nothing was begun while paused');
  await control.ask('resume');

  for (let round = 2; round <= ROUNDS; round++) await deliver(USERS, round);
  // All that is left is anna's.
  await until(
    'the others done',
    async () =>
      (await control.ask('users waiting')) === 'anna  skipped: as asked' &&
      !/inflight=<[1-9]/.test(await control.ask('backlog')),
    () => client.log,
  );
  const view = await control.view();
  assert.deepEqual(view.steering.skipped, ['anna']);
  assert.ok((view.rolling?.lag.count ?? 0) > 0);
  assert.match(await control.ask('unskip anna'), /^unskip anna: ok/);
  await client.settled();
  await control.until('idle', ({ standing }) => standing.word === 'idle');
  for (const line of [
    /steered: workers=<4>/,
    /steered: bwlimit=<50000>/,
    /steered: skip 'anna'/,
    /steered: resumed/,
  ]) {
    assert.match(client.log, line);
  }
  assert.match(await control.ask('stop'), /^stopping/);
  assert.equal((await client.tool.result).code, 75);
  assert.ok(!existsSync(control.path));
  await assertInStep(pair, USERS);
});

test('SIGHUP reads the settings again and opens the log anew; what is wrong in them leaves all as it is', async () => {
  const at = (name: string): string => join(pair.master.directory, name);
  const [settings, log] = [at('settings.ini'), at('rolling.json')];
  writeFileSync(settings, 'workers = 1\n', { mode: 0o644 });
  const control = new Control(at('hangup.sock'));
  const args = ['--settings', settings, '--log-file', log, '--log-format', 'json', '--control', control.path];
  await using client = new RollingClient(pair, args);
  await control.until(
    'up',
    ({ standing, connections }) => standing.word === 'idle' && connections.length > 0,
  );
  const hangUp = async (content: string, said: RegExp): Promise<void> => {
    writeFileSync(settings, content + linesOfItsCyrus(pair.master));
    if (existsSync(log)) renameSync(log, `${log}.1`);
    client.tool.kill('SIGHUP');
    await until(
      `log ${said}`,
      () => existsSync(log) && said.test(readFileSync(log, 'utf8')),
      () => client.log,
    );
  };
  await hangUp(
    'workers = 3\nbwlimit = 2M\nmax_load = 900\nlook_ahead = 4\n',
    /settings read again: changed: workers, bwlimit, max_load; changed, from the next start on: look_ahead"/,
  );
  assert.equal(await control.ask('bwlimit=?'), 'bwlimit=2M, now 2.0 MB/s');
  assert.match(await control.ask('workers=?'), /^workers=3/);
  const lines = readFileSync(log, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  assert.ok(lines.every(({ time, level, run, event }) => time && level && run && event));
  assert.equal(new Set(lines.map(({ run }) => run)).size, 1);
  await hangUp('bwlimit = fast\n', /settings not read again: .*bwlimit: expected off, or octets a second/);
  assert.equal(await control.ask('bwlimit=?'), 'bwlimit=2M, now 2.0 MB/s');
  const refused = await syncClient(pair.master, ['-A', '--log-file', '/nowhere/log']);
  assert.equal(refused.code, 64);
  assert.match(
    refused.stderr,
    /^sync_client: --log-file: expected a file that can be written, found \/nowhere\/log/,
  );
});
