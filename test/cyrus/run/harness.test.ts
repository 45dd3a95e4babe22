import assert from 'node:assert/strict';
import { appendFileSync, existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { assertNothingLeft, assertSameMail } from '../../lab/assert-same-mail.ts';
import { type CyrusServer, startPair } from '../../lab/cyrus-server.ts';
import { differences } from '../../lab/differences.ts';
import { dumpServer } from '../../lab/dump-server.ts';
import { lockInThread } from '../../lab/lock-holders.ts';
import { LockWatch } from '../../lab/lock-watch.ts';
import { append, populate } from '../../lab/populate.ts';
import { SieveClient } from '../../lab/sieve-client.ts';
import { BASE, openSides } from '../../lab/two-sides.ts';
import { until } from '../../lab/until.ts';

// The tests of this folder are worth what their comparison notices: here it is itself put to the test.

test('what the C client has copied is alike, and leaves it nothing to send', async () => {
  await using pair = await startPair();
  const { users } = await populate(pair.master, { users: 6 });
  await pair.master.runOk('sync_client', ['-A', '-o']);
  await assertNothingLeft(pair);
  await assertSameMail(pair.master, pair.replica, users);
});

test('one change of each kind on the master is noticed by the comparison and by the C client', async () => {
  await using pair = await startPair();
  const { users } = await populate(pair.master, { users: 6 });
  await pair.master.runOk('sync_client', ['-A', '-o']);
  {
    await using admin = await pair.master.imap();
    await using anna = await pair.master.imap('anna');
    await anna.ok('SELECT INBOX');
    await anna.ok('UID STORE 3 +FLAGS (Noticed)');
    await anna.ok('UID STORE 4 ANNOTATION (/comment (value.priv "noticed"))');
    await anna.ok('SETMETADATA INBOX (/shared/comment "noticed")');
    await anna.ok('SUBSCRIBE INBOX/Work/Projects/2024');
    await append(anna, 'INBOX/Work', 1, 'noticed', 'anna');
    await admin.ok('SETACL user/anna/Work noticed lr');
    await admin.ok('SETQUOTA user/anna (STORAGE 4711)');
    await admin.ok('CREATE user/noticed');
    await using sieve = await SieveClient.login(pair.master, 'anna');
    await sieve.put('noticed', 'keep;\r\n');
    await sieve.activate('noticed');
  }
  const [master, replica] = await Promise.all([
    dumpServer(pair.master, users),
    dumpServer(pair.replica, users),
  ]);
  const lines = differences(master, replica).join('\n');
  for (const expected of [
    /^mail > anna INBOX > messages > 3 > flags: /m,
    /^mail > anna INBOX > messages > 4 > annotations > \/comment value.priv: master "noticed"/m,
    /^mail > anna INBOX > metadata > \/shared\/comment: master "noticed"/m,
    /^mail > anna INBOX > quota > 0: .*4711/m,
    /^mail > anna INBOX\/Work > messages > \d+: .*replica nothing$/m,
    /^users > anna > subscriptions > .*INBOX\/Work\/Projects\/2024/m,
    /^users > anna > scripts > .*noticed/m,
    /^list > user\.anna\.Work > acl > noticed: master "lr", replica nothing$/m,
    /^list > user\.noticed: .*replica nothing$/m,
  ]) {
    assert.match(lines, expected);
  }
  await assert.rejects(assertNothingLeft(pair), /APPLY MAILBOX .*APPLY QUOTA/s);
});

test('what no client sees is noticed by the comparison too', async () => {
  await using pair = await startPair();
  await using sides = await openSides(pair);
  const users = ['anna', 'eva'];
  for (const user of users) {
    await sides.master.create(`user/${user}`, BASE);
    await sides.master.expunge(`user/${user}`, 2);
  }
  await pair.master.runOk('sync_client', ['-A', '-o']);
  await assertSameMail(pair.master, pair.replica, users);
  const before = await dumpServer(pair.replica, users);
  const directory = await directoryOf(pair.replica, 'user/anna');
  appendFileSync(join(directory, '2.'), 'octets that nobody sent');
  writeFileSync(join(directory, '4711.'), 'a file of no message');
  // Expunged records, which until then have been kept.
  await sides.replica.cleanUp('eva');
  assert.deepEqual(differences(before, await dumpServer(pair.replica, users)), []);
  await assert.rejects(assertSameMail(pair.master, pair.replica, users), ({ message }: Error) => {
    for (const expected of [
      /^files > .* > 2\.: master "[0-9a-f]{40}", replica "[0-9a-f]{40}"$/m,
      /^files > .* > 4711\.: master nothing/m,
      /^mailboxes > user\.eva > records > 2: .*Expunged.*, replica nothing$/m,
    ]) {
      assert.match(message, expected);
    }
    return true;
  });
});

test('a server that waits for a lock of the client is noticed, with what it waits for', async () => {
  await using pair = await startPair();
  await using admin = await pair.master.imap();
  await admin.ok('CREATE user/anna');
  await admin.ok('SETACL user/anna admin lrswipkxtecdan');
  const index = join(await directoryOf(pair.master, 'user/anna'), 'cyrus.index');
  using watch = new LockWatch(pair.master);
  watch.assertBearable('nobody');
  const held = await lockInThread({ path: index, kind: 'exclusive' });
  assert.ok(held.got);
  const waiting = admin.ok('STATUS user/anna (MESSAGES)');
  await until('a wait that is noticed', () => {
    try {
      watch.assertBearable('this test');
      return false;
    } catch (error) {
      assert.match((error as Error).message, /lock of this test at \d+ looks.*imapd.*for .*cyrus\.index$/);
      return true;
    }
  });
  held.release();
  await Promise.all([held.gone, waiting]);
});

async function directoryOf(server: CyrusServer, mailbox: string): Promise<string> {
  const { stdout } = await server.runOk('mbpath', [mailbox]);
  return stdout.trim();
}

test('a stopped server leaves no process and no directory', async () => {
  const pair = await startPair();
  const { directory } = pair.master;
  const { stdout } = await pair.master.runOk('cyr_info', ['conf']);
  assert.match(stdout, /configdirectory: /);
  await pair.stop();
  assert.equal(existsSync(directory), false);
  await assert.rejects(pair.master.imap(), /ECONNREFUSED/);
});
