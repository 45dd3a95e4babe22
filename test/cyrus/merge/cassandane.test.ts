import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { assertSameMailOf } from '../../lab/assert-same-mail.ts';
import { assertSettled } from '../../lab/assert-settled.ts';
import { PROGRAMS } from '../../lab/cyrus-programs.ts';
import { type Pair, startPair } from '../../lab/cyrus-server.ts';
import { expectList } from '../../lab/imap-values.ts';
import type { ToolResult } from '../../lab/processes.ts';
import { syncClient, syncClientOk } from '../../lab/sync-client.ts';
import { messageOf, openSides, type Side, type Sides } from '../../lab/two-sides.ts';

/**
 * Scenarios of Cassandane's Replication suite that a one-shot client can meet, under their names there. Those about
 * names of folders are in folders-in-the-way.test.ts, those about scripts in legacy-scripts.test.ts.
 */
let pair: Pair;
let sides: Sides;

before(async () => {
  pair = await startPair({ both: { imapd: { conversations: 'yes' } } });
  sides = await openSides(pair);
});

after(async () => {
  await sides?.[Symbol.asyncDispose]();
  await pair?.stop();
});

interface Run extends ToolResult {
  log: string;
}

async function sync(of: Pair, ...args: readonly string[]): Promise<Run> {
  const file = join(of.master.directory, 'syslog');
  await rm(file, { force: true });
  const run = await syncClient(of.master, ['-v', ...args], { env: { CASSANDANE_SYSLOG_FNAME: file } });
  return { ...run, log: await readFile(file, 'utf8').catch(() => '') };
}

async function settled(user: string): Promise<void> {
  await assertSameMailOf(pair.master, pair.replica, [user], { expunged: 'left out' });
  await assertSettled(pair, user);
}

const subjects = async (side: Side, user: string): Promise<string[]> =>
  (await side.messages(`user/${user}`)).map((message) => message.replace(/ \\.*$/, ''));

test('append', async () => {
  const letters = ['Message A', 'Message B', 'Message C', 'Message D'].map((each) => each.replace(' ', '-'));
  await sides.master.create('user/append', letters);
  const run = await sync(pair, '-u', 'append');
  assert.equal(run.code, 0, run.stderr);
  assert.deepEqual(
    await subjects(sides.replica, 'append'),
    letters.map((each, index) => `${index + 1} ${each}`),
  );
  await settled('append');
});

async function splitbrain(user: string, change: () => Promise<void>): Promise<[string[], string]> {
  await sides.master.create(`user/${user}`, ['A', 'B']);
  await syncClientOk(pair.master, ['-u', user]);
  await sides.master.append(`user/${user}`, 'C');
  await sides.replica.append(`user/${user}`, 'D');
  await change();
  const run = await sync(pair, '-u', user);
  assert.equal(run.code, 0, run.stderr);
  const here = await subjects(sides.master, user);
  assert.deepEqual(await subjects(sides.replica, user), here);
  await settled(user);
  return [here, run.log];
}

test('splitbrain', async () => {
  const [messages, log] = await splitbrain('split', async () => undefined);
  assert.match(log, /SYNCERROR: guid mismatch/);
  assert.deepEqual(messages.slice(0, 2), ['1 A', '2 B']);
  assert.deepEqual(
    messages.slice(2).map((each) => each[0]),
    ['4', '5'],
  );
  assert.deepEqual(
    messages
      .slice(2)
      .map((each) => each.slice(2))
      .sort(),
    ['C', 'D'],
  );
});

test('splitbrain_masterexpunge', async () => {
  const [messages, log] = await splitbrain('splitm', () => sides.master.expunge('user/splitm', 3));
  assert.match(log, /SYNCERROR: guid mismatch/);
  assert.deepEqual(messages, ['1 A', '2 B', '4 D']);
});

test('splitbrain_replicaexpunge', async () => {
  const [messages, log] = await splitbrain('splitr', () => sides.replica.expunge('user/splitr', 3));
  assert.match(log, /SYNCERROR: guid mismatch/);
  assert.deepEqual(messages, ['1 A', '2 B', '4 C']);
});

test('splitbrain_bothexpunge', async () => {
  const [messages] = await splitbrain('splitb', async () => {
    await sides.master.expunge('user/splitb', 3);
    await sides.replica.expunge('user/splitb', 3);
    await sides.master.append('user/splitb', 'E');
    await sides.replica.append('user/splitb', 'F');
  });
  assert.deepEqual(messages.map((each) => each.slice(2)).sort(), ['A', 'B', 'E', 'F']);
});

test('replication_repair_zero_msgs', async () => {
  const user = 'zero';
  await sides.master.create(`user/${user}`);
  await sides.replica.imap.ok(`CREATE user/${user}/other`).catch(() => undefined);
  await syncClientOk(pair.master, ['-u', user]);
  // The replica has an expunged message only; the master none, but a higher modseq.
  await sides.replica.append(`user/${user}`, 'gone');
  await sides.replica.expunge(`user/${user}`, 1);
  for (let each = 0; each < 6; each += 1) {
    await sides.master.imap.ok(`SETACL user/${user} friend${each} lr`);
    await sides.master.imap.ok(`SETMETADATA user/${user} (/shared/comment "${each}")`);
  }
  const run = await sync(pair, '-u', user);
  assert.equal(run.code, 0, run.stderr);
  assert.deepEqual(await subjects(sides.replica, user), []);
  await settled(user);
});

test('replication_with_modified_seen_flag', async () => {
  const user = 'seen';
  await sides.master.create(`user/${user}`, ['A', 'B']);
  await syncClientOk(pair.master, ['-u', user]);
  await using client = await pair.master.imap(user);
  await client.ok('SELECT INBOX');
  await client.ok('STORE 1 +FLAGS (\\Seen)');
  await client.ok('UNSELECT');
  await syncClientOk(pair.master, ['-u', user]);
  await using there = await pair.replica.imap(user);
  await there.ok('SELECT INBOX');
  assert.deepEqual(await there.ok('SEARCH SEEN'), [['SEARCH', '1']]);
  await settled(user);
});

for (const separator of ['/', '.'] as const) {
  test(`subscriptions${separator === '/' ? '_unixhs' : ''}`, async () => {
    const user = 'subs';
    await using of = await startPair({
      both: { imapd: { unixhierarchysep: separator === '/' ? 'yes' : 'no' } },
    });
    await using admin = await of.master.imap();
    const folders = ['', 'here', 'gone'].map((folder) => (folder === '' ? '' : `${separator}${folder}`));
    for (const folder of folders) {
      await admin.ok(`CREATE user${separator}${user}${folder}`);
      await admin.ok(`SETACL user${separator}${user}${folder} admin lrswipkxtecdan`);
    }
    await using client = await of.master.imap(user);
    for (const folder of ['here', 'gone']) await client.ok(`SUBSCRIBE INBOX${separator}${folder}`);
    await admin.ok(`DELETE user${separator}${user}${separator}gone`);
    await syncClientOk(of.master, ['-u', user]);
    const subscribed = async (server: Pair['master']) => {
      await using reader = await server.imap(user);
      return (await reader.ok('LSUB "" "*"')).map(([, , , name]) => String(name)).sort();
    };
    assert.ok((await subscribed(of.master)).length > 0);
    assert.deepEqual(await subscribed(of.replica), await subscribed(of.master));
    await client.ok(`UNSUBSCRIBE INBOX${separator}here`);
    await syncClientOk(of.master, ['-u', user]);
    assert.deepEqual(await subscribed(of.replica), await subscribed(of.master));
  });
}

test('intermediate_rename', async () => {
  const user = 'between';
  await sides.master.create(`user/${user}`);
  await sides.master.imap.ok(`CREATE user/${user}/a1`);
  await sides.master.imap.ok(`CREATE user/${user}/a0/b1`);
  await syncClientOk(pair.master, ['-u', user]);
  await sides.master.imap.ok(`RENAME user/${user}/a1 user/${user}/a0/b2`);
  await syncClientOk(pair.master, ['-u', user]);
  await settled(user);
});

test('delete_longname', async () => {
  const user = 'long';
  await sides.master.create(`user/${user}`);
  const prefix = `user/${user}/`;
  // DELETED. and .HEX have to fit beside it; where directories have the names of mailboxes, a lock has that of one with `.lock`, 255 octets.
  const longest = PROGRAMS.isAtLeast(3, 6) ? 490 - 18 - prefix.length : 250;
  const name = prefix + 'x'.repeat(longest);
  await sides.master.imap.ok(`CREATE ${name}`);
  await syncClientOk(pair.master, ['-u', user]);
  await sides.master.imap.ok(`DELETE ${name}`);
  await syncClientOk(pair.master, ['-u', user]);
  assert.deepEqual(await sides.replica.imap.ok(`LIST "" "${prefix}*"`), []);
  await settled(user);
});

test('shared_folder', async () => {
  await sides.master.create('shared', ['A', 'B']);
  await syncClientOk(pair.master, ['-m', 'shared']);
  assert.deepEqual(await sides.replica.messages('shared'), ['1 A', '2 B']);
});

test('rename_move_resync', async () => {
  // A folder goes to another user and back, and meanwhile that user makes one of its name.
  for (const user of ['mover', 'victim']) await sides.master.create(`user/${user}`, ['inbox']);
  await sides.master.create('user/mover/A', ['A']);
  await syncClientOk(pair.master, ['-u', 'mover', 'victim']);
  await sides.master.imap.ok('RENAME user/mover/A user/victim/A');
  await sides.master.imap.ok('RENAME user/victim/A user/mover/B');
  await sides.master.create('user/victim/A', ["victim's"]);
  await syncClientOk(pair.master, ['-O', '-u', 'mover']);
  await syncClientOk(pair.master, ['-O', '-u', 'victim']);
  await syncClientOk(pair.master, ['-O', '-u', 'mover', 'victim']);
  assert.deepEqual(await sides.replica.messages('user/mover/B'), ['1 A']);
  assert.deepEqual(await sides.replica.messages('user/victim/A'), ["1 victim's"]);
  // The way through another user's namespace leaves XCONVMODSEQ behind on the master; without -O it is raised there.
  await syncClientOk(pair.master, ['-u', 'mover', 'victim']);
  for (const user of ['mover', 'victim']) await settled(user);
});

test('connect_once', async () => {
  const run = await sync(pair, '-o', '-S', '127.0.0.1:1', '-m', 'shared');
  assert.equal(run.code, 1);
  assert.match(run.stderr, /Can not connect to server '127\.0\.0\.1:1'/);
  assert.doesNotMatch(run.stderr, /retrying in/);
});

test('syncall_failinguser', async () => {
  const users = ['fail1', 'fail2', 'fail3'];
  // A message of their own each: the copy that the replica has of one would do for the one whose file is missing.
  for (const user of users) await sides.master.create(`user/${user}`, [user]);
  const directory = (await pair.master.runOk('mbpath', ['user/fail2'])).stdout.trim();
  await rm(join(directory, '1.'));
  const run = await sync(pair, '-A', 'user.fail');
  assert.equal(run.code, 1);
  assert.match(run.log, /IOERROR: user replication failed: .*userid=<fail2>/);
  for (const user of ['fail1', 'fail3']) assert.deepEqual(await subjects(sides.replica, user), [`1 ${user}`]);
});

test('replication_mailbox_new_enough', async () => {
  for (const version of ['10', '12']) {
    const user = `version${version}`;
    await sides.master.create(`user/${user}`, ['A', 'B']);
    await pair.master.runOk('reconstruct', ['-V', version, `user/${user}`]);
    const run = await sync(pair, '-u', user);
    assert.equal(run.code, 0, run.stderr);
    assert.deepEqual(await subjects(sides.replica, user), ['1 A', '2 B']);
  }
});

test('replication_mailbox_too_old', async () => {
  await sides.master.create('user/tooold', ['A', 'B']);
  await pair.master.runOk('reconstruct', ['-V', '9', 'user/tooold']);
  const run = await sync(pair, '-u', 'tooold');
  assert.equal(run.code, 1);
  assert.match(run.log, /IMAP_MAILBOX_NOTSUPPORTED/);
});

test('msg_replication_new_mas_partial_wwsw, _wwd', async () => {
  await sides.master.create('user/partial', ['A', 'B']);
  for (const value of ['one', 'two', 'three', '']) {
    const quoted = value === '' ? 'NIL' : `"${value}"`;
    await sides.master.within('user/partial', `UID STORE 1 ANNOTATION (/comment (value.shared ${quoted}))`);
    await syncClientOk(pair.master, ['-u', 'partial']);
    assert.deepEqual(await sides.replica.comments('user/partial'), value === '' ? {} : { 1: value });
  }
  await settled('partial');
});

test('mbox_replication_new_mas', async () => {
  await sides.master.create('user/mbox');
  await syncClientOk(pair.master, ['-u', 'mbox']);
  await sides.master.imap.ok('SETMETADATA user/mbox (/shared/comment "of master")');
  await syncClientOk(pair.master, ['-u', 'mbox']);
  const [metadata] = await sides.replica.imap.ok('GETMETADATA user/mbox /shared/comment');
  assert.equal(expectList(metadata?.[2], 'metadata')[1], 'of master');
});

test('alternate_globalannots', async () => {
  await using other = await startPair({ both: { imapd: { annotation_db_path: undefined } } });
  for (const server of [other.master, other.replica]) {
    server.configure('annotation_db_path', join(server.configDirectory, 'elsewhere.db'));
    await server.writeConfiguration();
    await server.halt();
    await server.start();
  }
  await using both = await openSides(other);
  await both.master.create('user/annots', ['A']);
  await both.master.imap.ok('SETMETADATA user/annots (/shared/comment "mine")');
  await syncClientOk(other.master, ['-u', 'annots']);
  await assertSameMailOf(other.master, other.replica, ['annots'], { expunged: 'left out' });
});

/** Cyrus can be told to fail the write of one message as a full disk would. */
async function diskFull(subjects: readonly string[], failing: string): Promise<void> {
  const guid = createHash('sha1').update(messageOf(failing)).digest('hex');
  await using full = await startPair({ replica: { imapd: { debug_writefail_guid: guid } } });
  await using both = await openSides(full);
  await both.master.create('user/full', subjects);
  await both.master.create('user/other', ['other']);
  const run = await sync(full, '-A');
  if (!PROGRAMS.isAtLeast(3, 4)) {
    // It knows no such setting, and stores all.
    assert.equal(run.code, 0, run.stderr);
    assert.equal((await both.replica.messages('user/full')).length, subjects.length);
    return;
  }
  assert.equal(run.code, 1, run.stderr);
  assert.match(run.log, /IOERROR: received bad response/);
  assert.doesNotMatch(run.log, /received bad command/);
  assert.deepEqual(await both.replica.messages('user/other'), ['1 other']);
}

test('appendone_diskfull', async () => {
  await diskFull(['Message-A'], 'Message-A');
});

test('appendmulti_diskfull', async () => {
  await diskFull(['Message-A', 'Message-B', 'Message-C', 'Message-D'], 'Message-B');
});
