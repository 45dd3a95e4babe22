import { test } from 'node:test';
import { assertNothingLeft, assertSameMail } from '../support/compare.ts';
import { ADMIN, startPair } from '../support/cyrus-server.ts';
import { append } from '../support/populate.ts';
import { syncClientOk } from '../support/sync-client.ts';

test('a former name that is used again and given up between two passes takes nothing from who had it before', async () => {
  await using pair = await startPair({
    both: { imapd: { allowusermoves: 'yes' } },
    master: { imapd: { sync_log: 'yes' } },
  });
  await using admin = await pair.master.imap();
  const createUser = async (user: string): Promise<void> => {
    await admin.ok(`CREATE user/${user}`);
    await admin.ok(`SETACL user/${user} ${ADMIN} lrswipkxtecda`);
    await admin.ok(`SETACL user/${user} anyone lrs`);
    await using imap = await pair.master.imap(user);
    await append(imap, 'INBOX', 2, user, user);
  };
  for (const user of ['former', 'other']) await createUser(user);
  {
    await using imap = await pair.master.imap('former');
    await imap.ok('SUBSCRIBE INBOX');
    await imap.ok('SUBSCRIBE user/other');
    await imap.ok('SELECT user/other');
    await imap.ok('STORE 1 +FLAGS (\\Seen)');
  }
  await syncClientOk(pair.master, ['-1']);
  await admin.ok('RENAME user/former user/now');
  await syncClientOk(pair.master, ['-1']);
  await createUser('former');
  await admin.ok('DELETE user/former');
  await syncClientOk(pair.master, ['-1']);
  await assertSameMail(pair.master, pair.replica, ['now', 'other']);
  await assertNothingLeft(pair);
});
