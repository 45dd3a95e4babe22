import assert from 'node:assert/strict';
import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { appliedCommands, assertNothingLeft, assertSameMailOf } from '../../lab/assert-same-mail.ts';
import { giveToCyrus, type Pair, startPair } from '../../lab/cyrus-server.ts';
import { append } from '../../lab/populate.ts';
import type { ToolResult } from '../../lab/processes.ts';
import { syncClient, syncClientOk } from '../../lab/sync-client.ts';
import { content, logFile } from '../../lab/until.ts';

/**
 * A log line of a subscription or of seen state is done only when it can be found again: Cyrus 3.6 keeps both under the
 * uniqueid of the INBOX, and what came before the INBOX out of reach.
 */
let pair: Pair;

before(async () => {
  pair = await startPair({ master: { imapd: { sync_log: 'yes' } } });
});

after(async () => {
  await pair?.stop();
});

/** With subscriptions, and a mailbox of somebody else in which the user has read something. */
async function createUser(user: string): Promise<void> {
  await using admin = await pair.master.imap();
  const friend = `friend-of-${user}`;
  for (const name of [user, `${user}/Work`, friend]) await admin.ok(`CREATE user/${name}`);
  await admin.ok(`SETACL user/${friend} ${user} lrs`);
  await using sender = await pair.master.imap(friend);
  await append(sender, 'INBOX', 2, 'to be read', user);
  await using client = await pair.master.imap(user);
  await append(client, 'INBOX', 2, user, user);
  for (const name of ['INBOX', 'INBOX/Work']) await client.ok(`SUBSCRIBE ${name}`);
  await client.ok(`SELECT user/${friend}`);
  await client.ok('STORE 1 +FLAGS (\\Seen)');
  await client.ok('UNSELECT');
}

/** The lines that the master has logged since the log was last taken. */
function logged(wanted: RegExp): string[] {
  return content(logFile(pair.master))
    .split('\n')
    .filter((line) => wanted.test(line));
}

/** `-R -f`: what rolling mode makes of these lines. */
async function roll(...lines: string[]): Promise<ToolResult> {
  const file = join(pair.master.directory, 'lines');
  await writeFile(file, lines.map((line) => `${line}\n`).join(''));
  giveToCyrus(file);
  return await syncClient(pair.master, ['-R', '-f', file, '--log-to-stderr']);
}

async function assertComplete(user: string): Promise<void> {
  await syncClientOk(pair.master, ['-A']);
  await assertSameMailOf(pair.master, pair.replica, [user]);
  await assertNothingLeft(pair);
}

test('lines of a user whom the replica has not got end with the whole user there, nothing out of reach', async () => {
  await createUser('early');
  const lines = logged(/^(SUB|SEEN) early /);
  assert.match(lines.join(), /SUB.*SEEN/);
  const run = await roll(...lines);
  assert.equal(run.code, 0, run.stderr);
  assert.match(run.stderr, /Promoting: META early -> USER early/);
  await assertSameMailOf(pair.master, pair.replica, ['early']);
  await assertComplete('early');
});

test('-s of a user whom the replica has not got sends nothing and says so', async () => {
  await createUser('alone');
  const run = await syncClient(pair.master, ['-v', '-v', '-s', 'alone']);
  assert.equal(run.code, 1, run.stderr);
  assert.deepEqual(appliedCommands(run.stderr), []);
  assert.match(run.stderr, /no INBOX of this user yet.*sync_client -u/);
  await assertComplete('alone');
});

test('a log of a user whose INBOX cannot be read stays until it can, and loses nothing', async () => {
  await syncClientOk(pair.master, ['-R', '-1']);
  await createUser('broken');
  const { stdout } = await pair.master.runOk('mbpath', ['user/broken']);
  const header = join(stdout.trim(), 'cyrus.header');
  await chmod(header, 0);
  assert.equal((await syncClient(pair.master, ['-R', '-1'])).code, 1);
  await chmod(header, 0o600);
  await syncClientOk(pair.master, ['-R', '-1']);
  await assertSameMailOf(pair.master, pair.replica, ['broken']);
  await assertNothingLeft(pair);
});
