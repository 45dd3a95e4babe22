import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { assertNothingLeft, assertSameMail } from '../../lab/assert-same-mail.ts';
import { startPair } from '../../lab/cyrus-server.ts';
import { lockUser } from '../../lab/lock-user.ts';
import { populate } from '../../lab/populate.ts';
import { startSyncClient, syncClientOk } from '../../lab/sync-client.ts';
import { Control } from './control.ts';
import { CountingProxy } from './counting-proxy.ts';

const EMPTY_USERS = 40;
/** So much may have been on its way into a socket when the order came. */
const UNDER_WAY_OCTETS = 4_096;

test('each order holds in threads and on their connections too, is answered, and is in the log', async () => {
  await using pair = await startPair();
  const { users } = await populate(pair.master, { users: 8 });
  {
    await using admin = await pair.master.imap();
    for (let index = 0; index < EMPTY_USERS; index++) {
      await admin.ok(`CREATE user/empty${index}`);
      users.push(`empty${index}`);
    }
  }
  await using proxy = await CountingProxy.start(pair.replica.syncPort);
  const server = `127.0.0.1:${proxy.port}`;
  const at = (name: string): string => join(pair.master.directory, name);
  writeFileSync(at('threads.ini'), 'threads = always\nworkers = 1\nlook_ahead = 1\nbwlimit = 2K\n', {
    mode: 0o644,
  });
  const [locked = ''] = users;
  await using held = await lockUser(pair.master, locked, server);
  const control = new Control(at('orders.sock'));
  const copy = startSyncClient(pair.master, [
    ...['-u', '-S', server, '--settings', at('threads.ini'), '--log-file', at('orders.log')],
    ...['--control', control.path, '--order', 'list', ...users],
  ]);

  await control.until('at work', ({ users: { running, allFound } }) => running > 0 && allFound);
  assert.equal(await control.ask('pause for the backup'), 'paused: paused by hand: for the backup');
  const before = proxy.octets;
  const [skipped = '', spared = '', hurried = ''] = users.slice(-3);
  const answers: [order: string, answer: RegExp][] = [
    ['workers=?', /^workers=1, 1 connected$/],
    ['workers=3', /^workers=3, 1 connected$/],
    ['bwlimit=?', /^bwlimit=2K, now 2\.0 kB\/s$/],
    ['bwlimit=500K', /^bwlimit=500K, now 500\.0 kB\/s$/],
    [`skip ${skipped}`, /: ok$/],
    [`skip ${skipped}`, /: nothing to change$/],
    [`skip ${spared}`, /: ok$/],
    [`unskip ${spared}`, /: ok$/],
    [`unskip ${spared}`, /: nothing to change$/],
    [`now ${hurried}`, /: ok$/],
    ['now nobody', /: no such user is left to be replicated here$/],
    ['retry nobody', /: no such user is left to be replicated here$/],
    ['backlog', /^error: expected a channel in rolling mode/],
    ['users slow', /^\S+ {2}throttled: paused by hand: for the backup {2}/],
  ];
  for (const [order, answer] of answers) assert.match(await control.ask(order), answer, order);
  assert.equal((await control.ask('users waiting')).split('\n')[0], hurried);
  assert.ok(proxy.octets - before < UNDER_WAY_OCTETS, `${proxy.octets - before} octets while paused`);

  assert.equal(await control.ask('resume'), 'not paused');
  await control.until('three connections', ({ connections }) => connections.length === 3);
  await control.until(
    'all done but the locked one and the skipped one',
    ({ users: { done, waitingForLock } }) => done === users.length - 2 && waitingForLock === 1,
  );
  // An attempt may be under way just then.
  await control.answers('users waiting', new RegExp(`^${locked} {2}waiting-for-lock$`));
  await control.answers(`retry ${locked}`, /: ok$/);
  assert.match(await control.ask('workers=1'), /^workers=1/);
  await control.until('one connection', ({ connections }) => connections.length === 1);
  assert.match(await control.ask('stop'), /^stopping/);
  const { code, stderr } = await copy.result;
  assert.equal(code, 75, stderr);

  const log = readFileSync(at('orders.log'), 'utf8');
  for (const change of [
    ...[
      'paused: paused by hand: for the backup',
      'resumed',
      'workers=<3>',
      'workers=<1>',
      'bwlimit=<500000>',
    ],
    ...[`skip '${skipped}'`, `unskip '${spared}'`, `now '${hurried}'`, `retry '${locked}'`, 'stop'],
  ]) {
    assert.equal(log.split(`steered: ${change}\n`).length, 2, `${change} once in:\n${log}`);
  }
  await held.release();
  await syncClientOk(pair.master, ['-A']);
  await assertNothingLeft(pair);
  await assertSameMail(pair.master, pair.replica, users);
});
