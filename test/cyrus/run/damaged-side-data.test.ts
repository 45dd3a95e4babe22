import assert from 'node:assert/strict';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { assertNothingLeft, assertSameMailOf } from '../../lab/assert-same-mail.ts';
import type { CyrusServer, Pair } from '../../lab/cyrus-server.ts';
import { damageSite, filesOf } from '../../lab/damage-site.ts';
import { append } from '../../lab/populate.ts';
import { syncClient, syncClientOk } from '../../lab/sync-client.ts';

/** Each of them has one file damaged, and is called after it. */
const PARTS = {
  conversations: /ctl_conversationsdb -R conversations/,
  seen: /restore it from a backup or move it away/,
  sub: /restore it from a backup or move it away/,
  counters: /restore the file from a backup/,
  quota: /remove it, set the quota anew/,
} as const;
const MAGIC_OCTETS = 20;
const USERS = Object.keys(PARTS) as (keyof typeof PARTS)[];

async function fileOf(server: CyrusServer, part: keyof typeof PARTS): Promise<string> {
  const files = await filesOf(server, part);
  return part === 'quota' ? files.quota : files.personal(part);
}

/** @returns what puts the files back */
async function damage(server: CyrusServer): Promise<() => void> {
  const undo: (() => void)[] = [];
  for (const part of USERS) {
    const path = await fileOf(server, part);
    const octets = readFileSync(path);
    undo.push(() => writeFileSync(path, octets));
    // Nothing but its kind is left: no checksum that is right, no record and no line that ends.
    const magic = octets[0] === 0xa1 ? MAGIC_OCTETS : 0;
    writeFileSync(path, octets.length === 0 ? 'Z' : Buffer.from(octets).fill('Z', magic));
  }
  return () => {
    for (const one of undo) one();
  };
}

/** Exit 1 and one line for each user, which names the file and what makes it good again. */
async function assertEachNamed(pair: Pair): Promise<void> {
  const run = await syncClient(pair.master, ['-A']);
  assert.equal(run.code, 1, run.stderr);
  for (const part of USERS) {
    const lines = run.stderr.split('\n').filter((line) => line.startsWith(`${part}: `));
    assert.equal(lines.length, 1, `one line about ${part}, found:\n${run.stderr}`);
    const [line = ''] = lines;
    assert.ok(line.includes(await fileOf(pair.master, part)), line);
    assert.match(line, PARTS[part]);
    assert.doesNotMatch(line, /more failures/, 'one file is one failure');
  }
}

interface View {
  messages: string;
  subscribed: boolean;
  limit: string;
  comment: string;
}

async function viewOf(server: CyrusServer, user: string): Promise<View> {
  await using admin = await server.imap();
  const words = async (command: string): Promise<string> => JSON.stringify(await admin.ok(command));
  await using own = await server.imap(user);
  const status = JSON.stringify(await own.ok('STATUS INBOX/Work (MESSAGES UNSEEN)'));
  const limit = /"STORAGE","\d+","(\d+)"/.exec(await words(`GETQUOTAROOT user/${user}`))?.[1] ?? 'none';
  const comment = /"of [^"]*"/.exec(await words(`GETMETADATA user/${user} (/shared/comment)`))?.[0] ?? 'none';
  const subscribed = (await own.ok('LSUB "" "*"')).length > 0;
  return { messages: /"MESSAGES".*$/.exec(status)?.[0] ?? status, subscribed, limit, comment };
}

test('a damaged file beside the mail fails that part alone at the first copy, and is named with its repair', async () => {
  await using pair = await damageSite(USERS);
  const restore = await damage(pair.master);
  await assertEachNamed(pair);
  restore();
  await pair.master.start();
  for (const part of USERS) {
    const [here, there] = [await viewOf(pair.master, part), await viewOf(pair.replica, part)];
    assert.match(here.limit, /^[12]00000$/);
    assert.deepEqual(there, {
      ...here,
      subscribed: part !== 'sub',
      limit: part === 'quota' ? 'none' : here.limit,
    });
  }
  await syncClientOk(pair.master, ['-A']);
  await assertSameMailOf(pair.master, pair.replica, USERS);
  await assertNothingLeft(pair);
});

test('what is there already stays as it was while its file is damaged here, and new mail and the rest arrive', async () => {
  await using pair = await damageSite(USERS);
  await syncClientOk(pair.master, ['-A']);
  await pair.master.start();
  await change(pair.master);
  await pair.master.halt();
  const before = new Map<string, View>();
  for (const part of USERS) before.set(part, await viewOf(pair.replica, part));
  const restore = await damage(pair.master);
  await assertEachNamed(pair);
  // All that can be sent is there now: the second time there is nothing to send, and the damage is still named.
  await assertEachNamed(pair);
  restore();
  await pair.master.start();
  for (const part of USERS) {
    const [here, there] = [await viewOf(pair.master, part), await viewOf(pair.replica, part)];
    assert.notEqual(there.messages, before.get(part)?.messages, part);
    assert.match(here.limit, /^[12]00000$/);
    assert.deepEqual(there, {
      ...here,
      subscribed: part === 'sub',
      limit: part === 'quota' ? before.get(part)?.limit : here.limit,
    });
  }
  await syncClientOk(pair.master, ['-A']);
  await assertSameMailOf(pair.master, pair.replica, USERS);
  await assertNothingLeft(pair);
});

test('what the hint for conversations advises works: made anew, there is nothing left to complain of', async () => {
  await using pair = await damageSite(['anna']);
  await syncClientOk(pair.master, ['-A']);
  const path = (await filesOf(pair.master, 'anna')).personal('conversations');
  const octets = readFileSync(path);
  writeFileSync(path, Buffer.from(octets).fill('Z', MAGIC_OCTETS));
  const run = await syncClient(pair.master, ['-A']);
  const [, command = '', ...words] = /"(ctl_conversationsdb) (-R) (anna)"/.exec(run.stderr) ?? [];
  assert.equal(command, 'ctl_conversationsdb', run.stderr);
  rmSync(path);
  await pair.master.runOk(command, words);
  await syncClientOk(pair.master, ['-A']);
  await pair.master.start();
  await assertSameMailOf(pair.master, pair.replica, ['anna']);
  await assertNothingLeft(pair);
});

test('a damaged row of the annotations keeps those of its mailbox and its neighbours as they were, and nothing else', async () => {
  const users = ['anna', 'bob', 'carl', 'dora'];
  await using pair = await damageSite(users);
  await syncClientOk(pair.master, ['-A']);
  await pair.master.start();
  {
    await using admin = await pair.master.imap();
    for (const user of users) {
      await append(admin, `user/${user}/Work`, 1, 'later', user);
      await admin.ok(`SETMETADATA user/${user}/Work (/shared/comment "of the work")`);
    }
  }
  await pair.master.halt();
  const path = join(pair.master.configDirectory, 'annotations.db');
  const octets = readFileSync(path);
  const flipped = Buffer.from(octets);
  const at = flipped.indexOf('of anna');
  flipped[at] = (flipped[at] ?? 0) ^ 1;
  writeFileSync(path, flipped);
  const run = await syncClient(pair.master, ['-A']);
  assert.equal(run.code, 1, run.stderr);
  assert.match(run.stderr, /^anna: .*annotations\.db: damaged at .*\(.+\)$/m);
  writeFileSync(path, octets);
  let arrived = 0;
  for (const user of users) {
    const { comment, messages } = await viewOf(pair.replica, user);
    assert.equal(comment, `"of ${user}"`);
    assert.match(messages, /"MESSAGES","3"/);
    await using own = await pair.replica.imap(user);
    const answer = JSON.stringify(await own.ok('GETMETADATA INBOX/Work (/shared/comment)'));
    if (answer.includes('of the work')) arrived++;
  }
  // What proves that a mailbox has no more of them is the row before and the row after.
  assert.ok(arrived >= users.length - 2, `${arrived} arrived`);
  await pair.master.start();
  await syncClientOk(pair.master, ['-A']);
  await assertNothingLeft(pair);
});

/** A message for everybody, another subscription state, another limit. */
async function change(server: CyrusServer): Promise<void> {
  await using admin = await server.imap();
  for (const user of USERS) {
    await append(admin, `user/${user}/Work`, 1, 'later', user);
    await admin.ok(`SETQUOTA user/${user} (STORAGE 200000)`);
    await using own = await server.imap(user);
    await own.ok('UNSUBSCRIBE INBOX');
    await own.ok('SELECT shared');
    await own.ok('FETCH 2 (BODY[])');
    await own.ok('UNSELECT');
  }
}
