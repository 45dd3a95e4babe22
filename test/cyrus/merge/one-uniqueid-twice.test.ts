import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { appliedCommands } from '../../lab/assert-same-mail.ts';
import { type CyrusServer, type Pair, startPair } from '../../lab/cyrus-server.ts';
import { append } from '../../lab/populate.ts';
import { syncClient, syncClientOk } from '../../lab/sync-client.ts';

/**
 * Two imapd processes of 3.6.1 that create mailboxes within one second can hand out one uniqueid twice. The two mailboxes
 * then share a directory, and whoever goes by the uniqueid takes one of them for the other, renamed.
 */
let pair: Pair;

before(async () => {
  pair = await startPair();
});

after(async () => {
  await pair?.stop();
});

async function createUser(user: string, folders: readonly string[]): Promise<void> {
  await using admin = await pair.master.imap();
  for (const folder of ['', ...folders]) {
    await admin.ok(`CREATE user/${user}${folder}`);
    await using client = await pair.master.imap(user);
    await append(client, `INBOX${folder}`, 2, `${user} ${folder}`, user);
  }
}

/** The row of `name` says the uniqueid of `other` from here on. */
async function shareUniqueid(server: CyrusServer, name: string, other: string): Promise<void> {
  const database = [join(server.configDirectory, 'mailboxes.db'), 'twoskip'];
  const row = async (mailbox: string) =>
    (
      await server.runOk('cyr_dbtool', [...database, 'get', server.programs.rowKey(mailbox)])
    ).stdout.trimEnd();
  const uniqueid = (value: string) => / I (\S+)/.exec(value)?.[1] ?? '';
  const value = await row(name);
  const changed = value.replace(uniqueid(value), uniqueid(await row(other)));
  await server.runOk('cyr_dbtool', [...database, 'set', server.programs.rowKey(name), changed]);
}

async function onReplica(pattern: string): Promise<string[]> {
  await using there = await pair.replica.imap();
  return (await there.ok(`LIST "" "${pattern}"`)).map(([, , , name]) => String(name)).sort();
}

/** Both names in one line on the screen, and nothing is renamed at any run. */
async function assertDamage(users: readonly string[], names: readonly [string, string]): Promise<void> {
  for (let run = 1; run <= 2; run++) {
    const { code, stderr } = await syncClient(pair.master, ['-v', '-v', '-u', ...users]);
    assert.equal(code, 1, stderr);
    assert.deepEqual(
      appliedCommands(stderr).filter((line) => /^APPLY (LOCAL_)?(RENAME|UNMAILBOX)/.test(line)),
      [],
    );
    const lines = stderr.split('\n').filter((line) => names.every((name) => line.includes(name)));
    assert.ok(
      lines.some((line) => users.some((user) => line.startsWith(`${user}: `))),
      `no line names both:\n${stderr}`,
    );
  }
}

test("a folder that has another user's uniqueid is not taken for that user's, renamed", async () => {
  await createUser('anna', ['/Work']);
  await createUser('bob', ['/Letters']);
  await shareUniqueid(pair.master, 'user.bob.Letters', 'user.anna.Work');
  await assertDamage(['anna', 'bob'], ['user/anna/Work', 'user/bob/Letters']);
  assert.deepEqual(await onReplica('user/anna*'), ['user/anna', 'user/anna/Work']);
  assert.deepEqual(await onReplica('user/bob*'), ['user/bob']);
});

test('two folders of one user with one uniqueid are both left alone, and the rest of the user goes on', async () => {
  await createUser('chiara', ['/Work', '/Letters', '/Other']);
  await syncClientOk(pair.master, ['-u', 'chiara']);
  await shareUniqueid(pair.master, 'user.chiara.Work', 'user.chiara.Letters');
  await using client = await pair.master.imap('chiara');
  await append(client, 'INBOX/Other', 1, 'later', 'chiara');
  await assertDamage(['chiara'], ['user/chiara/Work', 'user/chiara/Letters']);
  assert.deepEqual(await onReplica('user/chiara/*'), [
    'user/chiara/Letters',
    'user/chiara/Other',
    'user/chiara/Work',
  ]);
  await using there = await pair.replica.imap('chiara');
  const [, , items] = (await there.ok('STATUS INBOX/Other (MESSAGES)'))[0] ?? [];
  assert.deepEqual(items, ['MESSAGES', '3']);
});
