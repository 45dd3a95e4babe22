import { test } from 'node:test';
import { assertNothingLeft, assertSameMail } from '../../lab/assert-same-mail.ts';
import { type Pair, startPair } from '../../lab/cyrus-server.ts';
import { syncClientOk } from '../../lab/sync-client.ts';

/*
 * A Cyrus whose quotas are in one database can be given quota roots by one connection at a time alone: a process that is
 * given one locks the database and then waits for whoever else makes one, who walks through mailboxes and needs the database
 * for each. The kernel ends that with an error, and the replica goes on: with a usage that is too low, or it says NO.
 */

const CLIENTS = 6;
const USERS_OF_EACH = 5;
const FOLDERS = Array.from({ length: 12 }, (_, index) => `F${index}`);

test('quota roots that several clients make at once on a replica with one database of quotas count all mailboxes', async () => {
  await using pair = await startPair({ both: { imapd: { quota_db: 'twoskip' } } });
  const groups = Array.from({ length: CLIENTS }, (_, client) =>
    Array.from({ length: USERS_OF_EACH }, (_, index) => `user${client}x${index}`),
  );
  const users = groups.flat();
  await makeUsers(pair, users);
  // The mailboxes first: what is made at once later are roots alone.
  await syncClientOk(pair.master, ['-A']);
  await limit(pair, users);
  await Promise.all(groups.map((group) => syncClientOk(pair.master, ['-u', ...group])));
  await assertNothingLeft(pair);
  await assertSameMail(pair.master, pair.replica, users);
});

async function makeUsers({ master }: Pair, users: readonly string[]): Promise<void> {
  await using admin = await master.imap();
  for (const user of users) {
    await admin.ok(`CREATE user/${user}`);
    for (const folder of FOLDERS) await admin.ok(`CREATE user/${user}/${folder}`);
  }
}

async function limit({ master }: Pair, users: readonly string[]): Promise<void> {
  await using admin = await master.imap();
  for (const user of users) await admin.ok(`SETQUOTA user/${user} (STORAGE 1000 X-NUM-FOLDERS 100)`);
}
