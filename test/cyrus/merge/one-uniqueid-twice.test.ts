import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { appliedCommands, assertSameMailOf } from '../../lab/assert-same-mail.ts';
import { ADMIN, type CyrusServer, type Pair, startPair } from '../../lab/cyrus-server.ts';
import type { ImapClient } from '../../lab/imap-client.ts';
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

/** A real one: the two shared a directory before anything came into either. */
async function createTwins(master: CyrusServer, twins: Readonly<Record<string, string>>): Promise<void> {
  const names: string[] = [];
  await using admin = await master.imap();
  for (const [user, folder] of Object.entries(twins)) {
    await admin.ok(`CREATE user/${user}`);
    await admin.ok(`CREATE user/${user}/${folder}`);
    names.push(`user.${user}.${folder}`);
  }
  const [one = '', other = ''] = names;
  await shareUniqueid(master, other, one);
  for (const [user, folder] of Object.entries(twins)) {
    await using client = await master.imap(user);
    await append(client, `INBOX/${folder}`, 2, `${user} ${folder}`, user);
  }
}

async function onReplica(pattern: string): Promise<string[]> {
  await using there = await pair.replica.imap();
  return (await there.ok(`LIST "" "${pattern}"`)).map(([, , , name]) => String(name)).sort();
}

/** Both names in one line on the screen, and nothing is renamed at any run. */
async function assertDamage(
  { master }: Pair,
  users: readonly string[],
  names: readonly [string, string],
): Promise<void> {
  for (let run = 1; run <= 2; run++) {
    const { code, stderr } = await syncClient(master, ['-v', '-v', '-u', ...users]);
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
  await assertDamage(pair, ['anna', 'bob'], ['user/anna/Work', 'user/bob/Letters']);
  assert.deepEqual(await onReplica('user/anna*'), ['user/anna', 'user/anna/Work']);
  assert.deepEqual(await onReplica('user/bob*'), ['user/bob']);
});

test('two folders of one user with one uniqueid are both left alone, and the rest of the user goes on', async () => {
  await createUser('chiara', ['/Work', '/Letters', '/Other']);
  await syncClientOk(pair.master, ['-u', 'chiara']);
  await shareUniqueid(pair.master, 'user.chiara.Work', 'user.chiara.Letters');
  await using client = await pair.master.imap('chiara');
  await append(client, 'INBOX/Other', 1, 'later', 'chiara');
  await assertDamage(pair, ['chiara'], ['user/chiara/Work', 'user/chiara/Letters']);
  assert.deepEqual(await onReplica('user/chiara/*'), [
    'user/chiara/Letters',
    'user/chiara/Other',
    'user/chiara/Work',
  ]);
  await using there = await pair.replica.imap('chiara');
  const [, , items] = (await there.ok('STATUS INBOX/Other (MESSAGES)'))[0] ?? [];
  assert.deepEqual(items, ['MESSAGES', '3']);
});

/* Contract: what docs/operations.md says to do about it ends it, with either way to delete, and no database is edited. */
for (const mode of ['delayed', 'immediate'] as const) {
  test(`once both are deleted as the manual says (${mode}), all is brought over, and what was copied is kept`, async () => {
    await using own = await startPair({ both: { imapd: { delete_mode: mode } } });
    const { master, replica } = own;
    const twins = { dana: 'Work', emil: 'Letters' };
    const users = Object.keys(twins);
    const names: [string, string] = ['user/dana/Work', 'user/emil/Letters'];
    await createTwins(master, twins);
    await assertDamage(own, users, names);
    for (const [user, folder] of Object.entries(twins)) {
      await using client = await master.imap(user);
      await client.ok('CREATE INBOX/Kept');
      await client.ok(`SELECT INBOX/${folder}`);
      await client.ok('COPY 1:* INBOX/Kept');
    }
    await using admin = await master.imap();
    for (const name of names) await admin.ok(`SETACL ${name} ${ADMIN} x`);
    const [one, other] = mode === 'immediate' ? names : await deleteBoth(admin, names);
    await admin.ok(`DELETE ${one}`);
    await assert.rejects(admin.ok(`DELETE ${other}`), /System I\/O error/);
    await master.run('reconstruct', [other]);
    await admin.ok(`DELETE ${other}`);
    await syncClientOk(master, ['-u', ...users]);
    for (const [user, folder] of Object.entries(twins)) {
      await using client = await master.imap(user);
      await client.ok(`RENAME INBOX/Kept INBOX/${folder}`);
    }
    await syncClientOk(master, ['-u', ...users]);
    await assertSameMailOf(master, replica, users);
    for (const [user, folder] of Object.entries(twins)) {
      await using there = await replica.imap(user);
      const [, , items] = (await there.ok(`STATUS INBOX/${folder} (MESSAGES)`))[0] ?? [];
      assert.deepEqual(items, ['MESSAGES', '4']);
    }
  });
}

/** @returns the names that they have from then on */
async function deleteBoth(admin: ImapClient, names: readonly string[]): Promise<[string, string]> {
  for (const name of names) await admin.ok(`DELETE ${name}`);
  const deleted = (await admin.ok('LIST "" "DELETED/user/*"')).map(([, , , name]) => String(name));
  const [one = '', other = ''] = deleted;
  assert.equal(deleted.length, 2, deleted.join(' '));
  return [one, other];
}
