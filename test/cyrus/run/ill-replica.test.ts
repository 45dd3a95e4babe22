import assert from 'node:assert/strict';
import { chmod, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { assertNothingLeft, assertSameMail } from '../../lab/assert-same-mail.ts';
import { startPair } from '../../lab/cyrus-server.ts';
import { append } from '../../lab/populate.ts';
import { startSyncClient, syncClientOk } from '../../lab/sync-client.ts';

const USERS = Array.from({ length: 40 }, (_, index) => `user${index}`);

/** Each process of the server has a directory of its own there, and those that have been used come back. */
async function writable(stage: string, yes: boolean): Promise<void> {
  const directories = [stage, ...(await readdir(stage)).map((name) => join(stage, name))];
  await Promise.all(directories.map((directory) => chmod(directory, yes ? 0o755 : 0o500)));
}

test('a replica that cannot store messages is named with what it said, and gets everything once it is mended', async () => {
  await using pair = await startPair();
  const { default: spool = '' } = pair.replica.partitions;
  await using imap = await pair.master.imap();
  for (const user of USERS) {
    await imap.ok(`CREATE user/${user}`);
    await imap.ok(`SETACL user/${user} admin lrswipkxtecda`);
    await append(imap, `user/${user}`, 3, user, user);
  }
  await syncClientOk(pair.master, ['-u', 'user0']);
  // Where it puts the messages that come in. To its server that is the same as a full disk: nothing can be written.
  const stage = join(spool, 'sync.');
  await writable(stage, false);
  const run = startSyncClient(pair.master, ['-A', '--workers', '2']);
  await run.waitForOutput((_, stderr) => stderr.includes('next try in'));
  await writable(stage, true);
  const { code, stderr } = await run.result;
  assert.equal(code, 0, stderr);
  assert.match(stderr, /^Server '127\.0\.0\.1' loses every connection, next try in 5 seconds: .*full disk/m);
  assert.doesNotMatch(stderr, /Can not connect/, 'it could be connected to');
  await assertNothingLeft(pair);
  await assertSameMail(pair.master, pair.replica, USERS);
});
