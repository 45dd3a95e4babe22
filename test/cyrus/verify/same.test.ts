import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { assertNothingLeft } from '../../lab/assert-same-mail.ts';
import { type CyrusServer, giveToCyrus, type Pair, startPair } from '../../lab/cyrus-server.ts';
import { cyrusSync } from '../../lab/cyrus-sync.ts';
import { differences } from '../../lab/differences.ts';
import { storeDigest } from '../../lab/leaving-untouched.ts';
import { populate } from '../../lab/populate.ts';
import { syncClientOk } from '../../lab/sync-client.ts';

async function both({ master, replica }: Pair): Promise<Record<string, string>[]> {
  return await Promise.all([content(master), content(replica)]);
}

/**
 * The octets of every file, and the content of every conversations.db: to that a server commits an empty transaction
 * whenever anybody asks for a mailbox.
 */
async function content(server: CyrusServer): Promise<Record<string, string>> {
  const digest = Object.entries(await storeDigest(server));
  const texts = digest.map(async ([name, text]): Promise<[string, string]> => {
    if (!name.endsWith('/conversations.db')) return [name, text.replace(/ of .*/, '')];
    const { stdout } = await server.runOk('cyr_dbtool', [join(server.directory, name), 'skiplist', 'show']);
    return [name, stdout];
  });
  return Object.fromEntries(await Promise.all(texts));
}

test('a replica that has everything is proven the same, and neither store is another afterwards', async () => {
  await using pair = await startPair({ both: { imapd: { conversations: 'yes' } } });
  const { users, sharedMailboxes } = await populate(pair.master, { users: 6 });
  await syncClientOk(pair.master, ['-A']);
  // The first question makes the replica's server create a database for each user.
  await assertNothingLeft(pair);
  const before = await both(pair);
  const all = users.length + 1;
  const settings = join(pair.master.directory, 'listing.ini');
  await writeFile(settings, `replica_imap = 127.0.0.1:${pair.replica.imapPort}\n`);
  giveToCyrus(settings);
  for (const how of [[], ['--deep']]) {
    const run = await cyrusSync(pair.master, 'verify', ['-A', '--settings', settings, ...how]);
    assert.equal(run.stderr, '');
    assert.match(run.stdout, new RegExp(`^${all} of ${all} users proven the same`));
    assert.equal(run.code, 0);
    assert.deepEqual(differences(before, await both(pair)), []);
  }
  assert.ok(sharedMailboxes.length > 0);
});
