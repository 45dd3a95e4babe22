import assert from 'node:assert/strict';
import { chmod } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { connectReplica } from '../../../src/protocol/connect/connect-replica.ts';
import { appliedCommands, assertNothingLeft, assertSameMailOf } from '../../lab/assert-same-mail.ts';
import { ADMIN, PASSWORD, type Pair, startPair } from '../../lab/cyrus-server.ts';
import { append } from '../../lab/populate.ts';
import { settingsFor } from '../../lab/settings.ts';
import { syncClient, syncClientOk } from '../../lab/sync-client.ts';

/**
 * Data of a user besides mail is kept by the replica under the uniqueid of the INBOX, or under the user's name as long
 * as there is none: sent too early, it is out of reach once the INBOX arrives. And folders are nobody's without it.
 */
const FOLDERS = ['', '/Work', '/Work/Deep', '/Letters'];

let pair: Pair;

before(async () => {
  pair = await startPair();
});

after(async () => {
  await pair?.stop();
});

async function createUser(user: string): Promise<void> {
  await using admin = await pair.master.imap();
  for (const folder of FOLDERS) await admin.ok(`CREATE user/${user}${folder}`);
  await admin.ok(`SETQUOTA user/${user} (STORAGE 100000)`);
  await admin.ok(`CREATE user/friend-of-${user}`);
  await admin.ok(`SETACL user/friend-of-${user} ${user} lrs`);
  await using friend = await pair.master.imap(`friend-of-${user}`);
  await append(friend, 'INBOX', 2, 'to be read', user);
  await using client = await pair.master.imap(user);
  for (const folder of FOLDERS) {
    await append(client, `INBOX${folder}`, 2, `${user} ${folder}`, user);
    await client.ok(`SUBSCRIBE INBOX${folder}`);
  }
  await client.ok(`SELECT user/friend-of-${user}`);
  await client.ok('STORE 1 +FLAGS (\\Seen)');
}

async function inboxFile(user: string, file: string): Promise<string> {
  const { stdout } = await pair.master.runOk('mbpath', [`user/${user}`]);
  return join(stdout.trim(), file);
}

/** A second run brings everything, and leaves nothing for the C client. */
async function assertAllArrives(user: string): Promise<void> {
  await syncClientOk(pair.master, ['-A']);
  await assertNothingLeft(pair);
  await assertSameMailOf(pair.master, pair.replica, [user]);
}

test('nothing that needs the INBOX goes without it, and all of it goes once the INBOX can be read', async () => {
  await createUser('anna');
  const header = await inboxFile('anna', 'cyrus.header');
  await chmod(header, 0);
  const run = await syncClient(pair.master, ['-v', '-v', '-u', 'anna']);
  assert.equal(run.code, 1, run.stderr);
  assert.deepEqual(appliedCommands(run.stderr), []);
  // One line is about the INBOX, one about all the rest, however many folders there are.
  assert.match(run.stderr, /^anna: .*cyrus\.header.*\(and 3 below it not sent\)/m);
  assert.doesNotMatch(run.stderr, /user[./]anna[./](Work|Letters)/);
  await chmod(header, 0o600);
  await assertAllArrives('anna');
});

test('an INBOX of which a message may not be read holds back what is below it as well', async () => {
  await createUser('bob');
  const message = await inboxFile('bob', '2.');
  await chmod(message, 0);
  const run = await syncClient(pair.master, ['-v', '-v', '-u', 'bob']);
  assert.equal(run.code, 1, run.stderr);
  const folders = appliedCommands(run.stderr).filter((line) =>
    /^APPLY MAILBOX .* MBOXNAME user\.bob\./.test(line),
  );
  assert.deepEqual(folders, []);
  assert.doesNotMatch(run.stderr, /not sent.*user[./]bob[./]/);
  await chmod(message, 0o600);
  await assertAllArrives('bob');
});

test('what a replica kept under the name of a user without INBOX is sent again behind the INBOX', async () => {
  await createUser('chiara');
  const session = await connectReplica(
    settingsFor(`127.0.0.1:${pair.replica.syncPort}`, { authname: ADMIN, password: PASSWORD }),
  );
  for (const folder of FOLDERS) await session.applySub('chiara', `user.chiara${folder.replaceAll('/', '.')}`);
  await session.exit();
  await assertAllArrives('chiara');
});

test('an INBOX that fails takes no quota from the replica, and stops nothing that is there already', async () => {
  await createUser('dora');
  await syncClientOk(pair.master, ['-A']);
  await using client = await pair.master.imap('dora');
  await client.ok('UNSUBSCRIBE INBOX/Work');
  await append(client, 'INBOX/Work', 1, 'later', 'dora');
  const header = await inboxFile('dora', 'cyrus.header');
  await append(client, 'INBOX', 1, 'later', 'dora');
  await chmod(header, 0);
  const run = await syncClient(pair.master, ['-v', '-v', '-u', 'dora']);
  assert.equal(run.code, 1, run.stderr);
  const names = appliedCommands(run.stderr).map((line) => /^APPLY \w+/.exec(line)?.[0]);
  assert.deepEqual(names.sort(), ['APPLY MAILBOX', 'APPLY MESSAGE', 'APPLY UNSUB']);
  await chmod(header, 0o600);
  await assertAllArrives('dora');
});
