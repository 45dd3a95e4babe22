import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { test } from 'node:test';
import { assertNothingLeft, assertSameMail, differences } from '../../lab/assert-same-mail.ts';
import { startPair } from '../../lab/cyrus-server.ts';
import { dumpServer } from '../../lab/dump-server.ts';
import { append, populate } from '../../lab/populate.ts';
import { SieveClient } from '../../lab/sieve-client.ts';

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

test('a stopped server leaves no process and no directory', async () => {
  const pair = await startPair();
  const { directory } = pair.master;
  const { stdout } = await pair.master.runOk('cyr_info', ['conf']);
  assert.match(stdout, /configdirectory: /);
  await pair.stop();
  assert.equal(existsSync(directory), false);
  await assert.rejects(pair.master.imap(), /ECONNREFUSED/);
});
