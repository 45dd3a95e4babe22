import assert from 'node:assert/strict';
import { readFileSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { assertNothingLeft, assertSameMailOf } from '../../lab/assert-same-mail.ts';
import { type CyrusServer, giveToCyrus, type Pair, startPair } from '../../lab/cyrus-server.ts';
import { append } from '../../lab/populate.ts';
import { syncClient, syncClientOk } from '../../lab/sync-client.ts';

const MAILBOXES = ['user/anna', 'user/anna/Work', 'user/anna/Work/Old', 'user/bob', 'user/carl', 'news'];
let pair: Pair;
let report: string;
/** Puts back what was taken away. */
const restore = new Map<string, () => void>();

before(async () => {
  pair = await startPair({ both: { imapd: { conversations: 'yes' } } });
  report = join(pair.master.directory, 'report.json');
  await using admin = await pair.master.imap();
  for (const mailbox of MAILBOXES) {
    await admin.ok(`CREATE ${mailbox}`);
    await admin.ok(`SETACL ${mailbox} admin lrswipkxtecda`);
    await append(admin, mailbox, 5, mailbox, 'somebody');
  }
  await admin.ok('CREATE user/dora');
  await admin.ok('SETACL user/dora admin lrswipkxtecda');
  await append(admin, 'user/dora', 1, 'the only one', 'dora');
  await damage('user/dora', 1, (path) => rmSync(path));
  await damage('user/anna', 2, (path) => rmSync(path));
  await damage('user/anna/Work', 5, (path) => truncateSync(path, 10));
  await damage('user/anna/Work/Old', 1, (path) => rmSync(path));
  await damage('news', 1, (path) => writeFileSync(path, readFileSync(path).fill('x', 20, 40)));
  await damage('user/carl', 'cyrus.index', (path) => truncateSync(path, 40));
});

after(async () => {
  await pair?.stop();
});

async function damage(mailbox: string, file: number | string, spoil: (path: string) => void): Promise<void> {
  const path = join(
    (await pair.master.runOk('mbpath', [mailbox])).stdout.trim(),
    typeof file === 'number' ? `${file}.` : file,
  );
  const octets = readFileSync(path);
  restore.set(mailbox, () => {
    writeFileSync(path, octets);
    giveToCyrus(path);
  });
  spoil(path);
}

async function uidsOf(server: CyrusServer, mailbox: string): Promise<number[]> {
  await using admin = await server.imap();
  await admin.ok(`EXAMINE ${mailbox}`);
  const found = (await admin.ok('UID SEARCH ALL')).find(([kind]) => String(kind) === 'SEARCH') ?? [];
  return found.slice(1).map(Number);
}

interface Entry {
  user: string | null;
  grade: string;
  error: { code: string; mailbox: string } | null;
  damaged: { mailbox: string; uid: number; cause: string; path: string; guid: string }[];
}

function graded(): Map<string | null, Entry> {
  const { users, run } = JSON.parse(readFileSync(report, 'utf8')) as {
    users: Entry[];
    run: { complete: boolean };
  };
  assert.equal(run.complete, true);
  return new Map(users.map((entry) => [entry.user, entry]));
}

async function runOverAll(): Promise<{ stderr: string; code: number | null }> {
  return await syncClient(pair.master, ['-A', '--report', report]);
}

test('a damaged message is left out and listed, whatever is wrong with it, and all else is replicated', async () => {
  const run = await runOverAll();
  assert.equal(run.code, 1, run.stderr);
  const users = graded();
  assert.deepEqual([...users].map(([user, { grade }]) => `${user} ${grade}`).sort(), [
    'anna damaged-at-source',
    'bob identical',
    'carl failed',
    'dora damaged-at-source',
    'null damaged-at-source',
  ]);
  const listed = [...users.values()].flatMap(({ damaged }) => damaged);
  assert.deepEqual(listed.map(({ mailbox, uid, cause }) => `${mailbox} ${uid} ${cause}`).sort(), [
    'news 1 content-differs',
    'user/anna 2 missing',
    'user/anna/Work 5 size-differs',
    'user/anna/Work/Old 1 missing',
    'user/dora 1 missing',
  ]);
  for (const { path, guid } of listed) {
    assert.match(path, /\/\d\.$/);
    assert.match(guid, /^[0-9a-f]{40}$/);
  }
  assert.equal(users.get('carl')?.error?.code, 'MAILBOX_DAMAGED');
  assert.match(
    run.stderr,
    /^anna: user\/anna: left out: message 2 cannot be read: .*; all others were sent/m,
  );

  assert.deepEqual(await uidsOf(pair.replica, 'user/anna'), [1, 3, 4, 5]);
  assert.deepEqual(await uidsOf(pair.replica, 'user/anna/Work'), [1, 2, 3, 4]);
  assert.deepEqual(await uidsOf(pair.replica, 'user/anna/Work/Old'), [2, 3, 4, 5]);
  assert.deepEqual(await uidsOf(pair.replica, 'news'), [2, 3, 4, 5]);
  await assertSameMailOf(pair.master, pair.replica, ['bob']);
});

test('the next runs list it again, change nothing on the master, and bring what is new', async () => {
  await using admin = await pair.master.imap();
  await append(admin, 'user/anna', 2, 'new', 'anna');
  await admin.ok('SELECT user/anna');
  await admin.ok('UID STORE 2:3 +FLAGS (\\Flagged)');
  await admin.ok('UNSELECT');
  for (const _again of [1, 2]) {
    const run = await runOverAll();
    assert.equal(run.code, 1, run.stderr);
    assert.deepEqual([...graded().values()].map(({ damaged }) => damaged.length).sort(), [0, 0, 1, 1, 3]);
    assert.doesNotMatch(run.stderr, /merged/);
    assert.deepEqual(await uidsOf(pair.master, 'user/anna'), [1, 2, 3, 4, 5, 6, 7]);
    assert.deepEqual(await uidsOf(pair.replica, 'user/anna'), [1, 3, 4, 5, 6, 7]);
  }
});

test('where the master may not be changed it is the same', async () => {
  await using admin = await pair.master.imap();
  await append(admin, 'user/anna/Work', 1, 'newer', 'anna');
  const run = await syncClient(pair.master, ['-O', '-A', '--report', report]);
  assert.equal(run.code, 1, run.stderr);
  assert.equal(graded().get('anna')?.grade, 'damaged-at-source', run.stderr);
  assert.deepEqual(await uidsOf(pair.replica, 'user/anna/Work'), [1, 2, 3, 4, 6]);
});

test('what was restored, or removed by reconstruct, is settled by the next run', async () => {
  restore.get('user/anna')?.();
  restore.get('news')?.();
  restore.get('user/dora')?.();
  restore.get('user/carl')?.();
  await pair.master.runOk('reconstruct', ['user/anna/Work/Old']);
  await pair.master.runOk('reconstruct', ['-G', '-U', 'user/anna/Work']);
  await syncClientOk(pair.master, ['-A', '--report', report]);
  assert.deepEqual(
    [...graded().values()].map(({ grade }) => grade),
    Array(5).fill('identical'),
  );
  await assertSameMailOf(pair.master, pair.replica, ['anna', 'bob', 'carl', 'dora'], {
    expunged: 'left out',
  });
  await assertNothingLeft(pair);
  // The replica had gone past it, so that it has got a new UID, on both sides.
  assert.deepEqual(await uidsOf(pair.replica, 'user/anna'), [1, 3, 4, 5, 6, 7, 8]);
});

test('a disk that is not there is no damaged messages: nothing is left out', async () => {
  await using admin = await pair.master.imap();
  await append(admin, 'user/bob', 20, 'many', 'bob');
  const folder = (await pair.master.runOk('mbpath', ['user/bob'])).stdout.trim();
  const files = Array.from({ length: 20 }, (_, index) => join(folder, `${index + 6}.`));
  for (const file of files) renameSync(file, `${file}away`);
  const run = await runOverAll();
  assert.equal(run.code, 1, run.stderr);
  assert.equal(graded().get('bob')?.grade, 'failed');
  assert.deepEqual(await uidsOf(pair.replica, 'user/bob'), [1, 2, 3, 4, 5]);
  for (const file of files) renameSync(`${file}away`, file);
  await syncClientOk(pair.master, ['-A']);
  await assertNothingLeft(pair);
});
