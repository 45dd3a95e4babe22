import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { assertNothingLeft, assertSameMail } from '../../lab/assert-same-mail.ts';
import { ADMIN, type Pair, startPair } from '../../lab/cyrus-server.ts';
import { append, populate } from '../../lab/populate.ts';
import { syncClientOk } from '../../lab/sync-client.ts';

/** Mailboxes that go at once, without a stay in DELETED, leave nothing but the rows of their names. */
let pair: Pair;

before(async () => {
  pair = await startPair({
    both: { imapd: { delete_mode: 'immediate' } },
    master: { imapd: { sync_log: 'yes' } },
  });
});

after(async () => {
  await pair?.stop();
});

test('a folder that was renamed and then deleted between two passes is gone from the replica too', async () => {
  const { users } = await populate(pair.master, { users: 1 });
  const user = users[0] ?? '';
  await using imap = await pair.master.imap(user);
  for (const name of ['Renamed', 'First', 'Second']) await imap.ok(`CREATE INBOX/${name}`);
  await syncClientOk(pair.master, ['-1']);
  await imap.ok('RENAME INBOX/Renamed INBOX/Elsewhere');
  await imap.ok('DELETE INBOX/Elsewhere');
  await imap.ok('RENAME INBOX/First INBOX/Between');
  await imap.ok('RENAME INBOX/Second INBOX/First');
  await imap.ok('RENAME INBOX/Between INBOX/Second');
  await imap.ok('DELETE INBOX/First');
  await syncClientOk(pair.master, ['-1']);
  await using there = await pair.replica.imap(user);
  const names = (await there.ok('LIST "" "*"')).map(([, , , name]) => String(name));
  assert.ok(names.includes('INBOX/Second'), names.join());
  for (const name of ['Renamed', 'Elsewhere', 'First'])
    assert.ok(!names.includes(`INBOX/${name}`), names.join());
  await assertSameMail(pair.master, pair.replica, users);
  await assertNothingLeft(pair);
});

test('a user with folders who was deleted between two passes is gone, with what goes by the name, and so is a folder with others below it', async () => {
  await using admin = await pair.master.imap();
  for (const name of ['gone', 'gone/Work', 'stays', 'stays/Work', 'stays/Work/Deep']) {
    await admin.ok(`CREATE user/${name}`);
    await admin.ok(`SETACL user/${name} ${ADMIN} lrswipkxtecda`);
    await append(admin, `user/${name}`, 1, name, 'somebody');
  }
  await admin.ok('SETQUOTA user/gone (STORAGE 1000)');
  {
    await using imap = await pair.master.imap('gone');
    await imap.ok('SUBSCRIBE INBOX/Work');
  }
  await syncClientOk(pair.master, ['-1']);
  await admin.ok('DELETE user/gone');
  // Newer servers refuse it.
  const takesIt = !pair.master.programs.isAtLeast(3, 6);
  if (takesIt) await admin.ok('DELETE user/stays/Work');
  await syncClientOk(pair.master, ['-1']);
  await using there = await pair.replica.imap();
  for (const name of ['gone', 'gone/Work', ...(takesIt ? ['stays/Work'] : [])])
    assert.equal((await there.command(`SELECT user/${name}`)).status, 'NO', name);
  await there.ok('SELECT user/stays/Work/Deep');
  assert.equal((await there.command('GETQUOTA user/gone')).status, 'NO');
  await admin.ok('CREATE user/gone');
  await admin.ok('CREATE user/gone/Work');
  await syncClientOk(pair.master, ['-1']);
  await using again = await pair.replica.imap('gone');
  assert.deepEqual(await again.ok('LSUB "" "*"'), []);
  await assertNothingLeft(pair);
});
