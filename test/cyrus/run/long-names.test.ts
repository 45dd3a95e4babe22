import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { assertSettled } from '../../lab/assert-settled.ts';
import { PROGRAMS } from '../../lab/cyrus-programs.ts';
import { ADMIN, giveToCyrus, type Pair, startPair } from '../../lab/cyrus-server.ts';
import { openSync } from '../../lab/full-state.ts';
import { append } from '../../lab/populate.ts';
import { syncClientOk } from '../../lab/sync-client.ts';

/** The name has one octet more than Cyrus 3.6 can open, once DELETED stands before it and the time behind it. */
const LONG = 474;
/** The longest that can be created: what Cyrus reads back of its deleted name is taken for the INBOX. */
const LONGEST = 490;
/** Such a replica opens what becomes of the longest name that can be created, so that nothing is left out. */
const OPENS_ALL = PROGRAMS.isAtLeast(3, 8) || !PROGRAMS.isAtLeast(3, 4);
/** The folder above: up to 3.2 the parts of a name are those of directories, which have 255 octets at most. */
const ABOVE = 'a'.repeat(230);
const LEFT = ['INBOX', `INBOX/${ABOVE}`];

let pair: Pair;

before(async () => {
  pair = await startPair();
});

after(async () => {
  await pair?.stop();
});

/** A replicated user with a folder whose internal name has so many octets, which is then deleted. @returns both names */
async function deletedFolder(user: string, octets: number): Promise<{ name: string; deleted: string }> {
  const part = 'x'.repeat(octets - `user.${user}.${ABOVE}.`.length);
  const folder = `${ABOVE}/${part}`;
  await using admin = await pair.master.imap();
  for (const each of ['', `/${ABOVE}`, `/${folder}`]) await admin.ok(`CREATE user/${user}${each}`);
  await admin.ok(`SETACL user/${user}/${folder} ${ADMIN} lrswipkxtecda`);
  await using client = await pair.master.imap(user);
  await append(client, `INBOX/${folder}`, 2, 'to be deleted', user);
  await syncClientOk(pair.master, ['-u', user]);
  assert.equal((await foldersOf(user)).length, 3);
  await admin.ok(`DELETE user/${user}/${folder}`);
  await append(client, 'INBOX', 1, 'later', user);
  const database = join(pair.master.configDirectory, 'mailboxes.db');
  const { stdout } = await pair.master.runOk('cyr_dbtool', [
    database,
    'twoskip',
    'show',
    PROGRAMS.rowKey(`DELETED.user.${user}`),
  ]);
  const [key = ''] = stdout.split('\t');
  return { name: `user.${user}.${ABOVE}.${part}`, deleted: key.replace(/^N/, '').replaceAll('\x1f', '.') };
}

async function foldersOf(user: string): Promise<string[]> {
  await using there = await pair.replica.imap(user);
  return (await there.ok('LIST "" "*"')).map(([, , , name]) => String(name));
}

async function roll(...lines: string[]): Promise<void> {
  const file = join(pair.master.directory, 'lines');
  await writeFile(file, lines.map((line) => `${line}\n`).join(''));
  giveToCyrus(file);
  await syncClientOk(pair.master, ['-R', '-f', file]);
}

for (const octets of [LONG, LONGEST]) {
  test(`a deleted folder whose name had ${octets} octets goes from the replica, and its user goes on`, async () => {
    const user = `user${octets}`;
    const { deleted } = await deletedFolder(user, octets);
    assert.equal(deleted.length, octets + 'DELETED.'.length + '.6B04D978'.length);
    const run = await syncClientOk(pair.master, ['-v', '-v', '-u', user]);
    const leftOut = /left out: DELETED\/\S+: its name has \d+ octets/;
    if (OPENS_ALL) assert.doesNotMatch(run.stderr, leftOut);
    else assert.match(run.stderr, leftOut);
    assert.deepEqual(await foldersOf(user), LEFT);
    await assertSettled(pair, user);
  });

  test(`in rolling mode as well (${octets} octets)`, async () => {
    const user = `rolling${octets}`;
    const { name, deleted } = await deletedFolder(user, octets);
    await roll(`MAILBOX user.${user}`, `RENAME ${name} ${deleted}`, `MAILBOX ${deleted}`);
    assert.deepEqual(await foldersOf(user), LEFT);
    await assertSettled(pair, user);
  });

  test(`and by a line that says only that it was removed (${octets} octets)`, async () => {
    const user = `line${octets}`;
    const { name, deleted } = await deletedFolder(user, octets);
    // What the replica can have in DELETED goes there first.
    const followed = OPENS_ALL ? [`MAILBOX ${deleted}`] : [];
    await roll(`MAILBOX user.${user}`, `UNMAILBOX ${name}`, ...followed);
    assert.deepEqual(await foldersOf(user), LEFT);
    await assertSettled(pair, user);
  });

  test(`a user whose folder was renamed to such a name on the replica once is replicated again (${octets} octets)`, async () => {
    const user = `once${octets}`;
    const { name, deleted } = await deletedFolder(user, octets);
    const session = await openSync(pair.replica);
    await session.applyRename({
      oldName: name,
      newName: deleted,
      partition: 'default',
      uidvalidity: 1,
      local: false,
    });
    await session.exit();
    await syncClientOk(pair.master, ['-u', user]);
    await assertSettled(pair, user);
  });
}

test('folders with long names can be swapped', async () => {
  const [one, two] = ['x', 'y'].map(
    (letter) => `${ABOVE}/${letter.repeat(LONG - `user.swap.${ABOVE}.`.length)}`,
  );
  await using admin = await pair.master.imap();
  for (const each of ['', `/${ABOVE}`]) await admin.ok(`CREATE user/swap${each}`);
  await using client = await pair.master.imap('swap');
  for (const folder of [one, two]) {
    await client.ok(`CREATE INBOX/${folder}`);
    await append(client, `INBOX/${folder}`, 1, `${folder?.at(-1)}`, 'swap');
  }
  await syncClientOk(pair.master, ['-u', 'swap']);
  await client.ok(`RENAME INBOX/${one} INBOX/third`);
  await client.ok(`RENAME INBOX/${two} INBOX/${one}`);
  await client.ok(`RENAME INBOX/third INBOX/${two}`);
  await syncClientOk(pair.master, ['-u', 'swap']);
  await assertSettled(pair, 'swap');
});
