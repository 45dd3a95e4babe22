import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertNothingLeft, assertSameMail } from '../../lab/assert-same-mail.ts';
import { type CyrusServer, startPair } from '../../lab/cyrus-server.ts';
import { append } from '../../lab/populate.ts';
import { syncClientOk } from '../../lab/sync-client.ts';

/*
 * Goal: how many conversations of a folder are unread is the same on both ends, also where some of their mail is in the trash, which
 * does not count (Cyrus's own replication_trashseen).
 */

const COUNTS = 'MESSAGES UNSEEN XCONVEXISTS XCONVUNSEEN XCONVMODSEQ';

test('conversations of which mail is in the trash, read and unread, count alike on both ends', async () => {
  await using pair = await startPair({ both: { imapd: { conversations: 'yes' } } });
  const { master, replica } = pair;
  await using admin = await master.imap();
  await admin.ok('CREATE user/anna');
  await using anna = await master.imap('anna');
  await anna.ok('CREATE INBOX/Trash (USE (\\Trash))');
  for (const subject of ['one', 'two', 'three']) await append(anna, 'INBOX', 2, subject, 'anna', subject);
  await anna.ok('SELECT INBOX');
  await anna.ok('STORE 1:* -FLAGS (\\Seen)');
  await anna.ok('COPY 1,3,5 INBOX/Trash');
  await anna.ok('STORE 1:4 +FLAGS (\\Seen)');
  const counts = async (server: CyrusServer): Promise<unknown[]> => {
    await using client = await server.imap('anna');
    const folders = ['INBOX', 'INBOX/Trash'];
    return await Promise.all(folders.map((name) => client.ok(`STATUS ${name} (${COUNTS})`)));
  };
  const assertAlike = async (): Promise<unknown[]> => {
    await syncClientOk(master, ['-A']);
    const here = await counts(master);
    assert.deepEqual(await counts(replica), here);
    await assertNothingLeft(pair);
    await assertSameMail(master, replica, ['anna']);
    return here;
  };
  const before = await assertAlike();
  await anna.ok('SELECT INBOX/Trash');
  await anna.ok('STORE 1:2 +FLAGS (\\Seen)');
  const after = await assertAlike();
  assert.notDeepEqual(after, before);
});
