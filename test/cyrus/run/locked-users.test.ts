import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { assertNothingLeft, assertSameMail, assertSameMailOf } from '../../lab/assert-same-mail.ts';
import { changeRound } from '../../lab/change-round.ts';
import { CyrusServer, type Pair, startPair } from '../../lab/cyrus-server.ts';
import { lockUser } from '../../lab/lock-user.ts';
import { mailboxOf, type Population, populate } from '../../lab/populate.ts';
import { startSyncClient, syncClient, syncClientOk } from '../../lab/sync-client.ts';

/** As in sync_host: the lock belongs to a user and a replica so spelled. */
const REPLICA = '127.0.0.1';

let filled: CyrusServer;
let population: Population;

before(async () => {
  filled = await CyrusServer.start('filled');
  population = await populate(filled, { users: 6 });
  await filled.halt();
});

after(async () => {
  await filled?.stop();
});

function pairWithMail(): Promise<Pair> {
  return startPair({ master: { store: filled.directory } });
}

async function isOnReplica(pair: Pair, user: string): Promise<boolean> {
  await using admin = await pair.replica.imap();
  return (await admin.ok(`LIST "" "${mailboxOf(pair.replica, user)}"`)).length > 0;
}

test('-A -N skips a user whom another process is replicating, says so, and exits 0', async () => {
  await using pair = await pairWithMail();
  await using _held = await lockUser(pair.master, 'anna', REPLICA);
  const run = await syncClient(pair.master, ['-A', '-N', '-v']);
  assert.match(run.stderr, /^Skipping locked user anna$/m);
  assert.equal(run.code, 0, run.stderr);
  assert.equal(await isOnReplica(pair, 'anna'), false, 'the locked user was replicated');
  const others = population.users.filter((user) => user !== 'anna');
  await assertSameMailOf(pair.master, pair.replica, others);
});

test('-u -N fails with exit code 1 for a user whom another process is replicating', async () => {
  await using pair = await pairWithMail();
  await using _held = await lockUser(pair.master, 'anna', REPLICA);
  const run = await syncClient(pair.master, ['-u', '-N', '-v', 'anna', 'eva']);
  assert.match(run.stderr, /^Error from sync_do_user\(anna\): bailing out!$/m);
  assert.equal(run.code, 1, run.stderr);
  assert.equal(await isOnReplica(pair, 'anna'), false, 'the locked user was replicated');
  await assertSameMailOf(pair.master, pair.replica, ['eva']);
});

test('locks = flock reaches every thread: a lock so held is respected with it, and not seen without', async () => {
  await using pair = await pairWithMail();
  const settings = join(pair.master.directory, 'settings.ini');
  writeFileSync(settings, 'locks = flock\nthreads = always\n');
  const lines = join(pair.master.directory, 'lines');
  writeFileSync(lines, 'USER eva\n');
  // So few users are otherwise done by the main thread.
  const runs = [
    ['anna', ['-u', '-N', 'anna']],
    ['eva', ['-R', '-N', '-f', lines]],
  ] as const;
  for (const [user, args] of runs) {
    await using _held = await lockUser(pair.master, user, REPLICA, 'flock');
    assert.equal((await syncClient(pair.master, ['--settings', settings, ...args])).code, 1, user);
    assert.equal(await isOnReplica(pair, user), false, `${user} was replicated though locked`);
    assert.equal((await syncClient(pair.master, args)).code, 0, user);
    assert.equal(await isOnReplica(pair, user), true, user);
  }
});

for (const options of [['-A'], ['-A', '-N']]) {
  test(`${options.join(' ')} neither skips nor waits for a lock of its own, as of two users after folders went from one to the other`, async () => {
    await using pair = await pairWithMail();
    await syncClientOk(pair.master, ['-A']);
    {
      await using admin = await pair.master.imap();
      const [anna, eva] = ['anna', 'eva'].map((user) => mailboxOf(pair.master, user));
      for (const name of [`${anna}/Given`, `${eva}/Given too`]) await admin.ok(`CREATE "${name}"`);
      await syncClientOk(pair.master, ['-u', 'anna', 'eva']);
      await admin.ok(`RENAME "${anna}/Given" "${eva}/Got"`);
      await admin.ok(`RENAME "${eva}/Given too" "${anna}/Got too"`);
    }
    const run = await syncClient(pair.master, [...options, '-v']);
    assert.doesNotMatch(run.stderr, /^Skipping locked user/m);
    assert.equal(run.code, 0, run.stderr);
    await assertNothingLeft(pair);
    await assertSameMail(pair.master, pair.replica, population.users);
  });
}

test('without -N the others go on while one user is locked, who follows when released', async () => {
  await using pair = await pairWithMail();
  const held = await lockUser(pair.master, 'anna', REPLICA);
  const tool = startSyncClient(pair.master, ['-A', '-v']);
  try {
    const others = population.users.filter((user) => user !== 'anna');
    await tool.waitForOutput((stdout) => others.every((user) => stdout.split('\n').includes(`USER ${user}`)));
    assert.equal(await isOnReplica(pair, 'anna'), false, 'the locked user was replicated');
  } finally {
    await held.release();
  }
  const run = await tool.result;
  assert.equal(run.code, 0, run.stderr);
  await assertNothingLeft(pair);
  await assertSameMail(pair.master, pair.replica, population.users);
});

test('the C client and ours at once on the same users both do well and end with both ends alike', async () => {
  await using pair = await pairWithMail();
  const both = async () => {
    const ours = startSyncClient(pair.master, ['-A']);
    const theirs = pair.master.run('sync_client', ['-A', '-o', '-v']);
    for (const run of await Promise.all([ours.result, theirs])) assert.equal(run.code, 0, run.stderr);
  };
  await both();
  await assertSameMail(pair.master, pair.replica, population.users);
  const changed = await changeRound(pair.master, population);
  await both();
  await assertNothingLeft(pair);
  await assertSameMail(pair.master, pair.replica, changed.users);
});

test('-u for one user leaves all others alone', async () => {
  await using pair = await pairWithMail();
  await syncClientOk(pair.master, ['-u', 'eva']);
  await assertSameMailOf(pair.master, pair.replica, ['eva']);
  for (const user of population.users) assert.equal(await isOnReplica(pair, user), user === 'eva', user);
});
