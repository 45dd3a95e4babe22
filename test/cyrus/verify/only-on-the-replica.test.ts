import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { giveToCyrus, type Pair, startPair } from '../../lab/cyrus-server.ts';
import { cyrusSync } from '../../lab/cyrus-sync.ts';
import { syncClientOk } from '../../lab/sync-client.ts';
import { openSides, type Sides } from '../../lab/two-sides.ts';

let pair: Pair;
let sides: Sides;

before(async () => {
  pair = await startPair({ both: { imapd: { virtdomains: 'userid', defaultdomain: 'example.com' } } });
  sides = await openSides(pair);
  const { master, replica } = sides;
  for (const name of ['user/jo.smith', 'user/anna@example.org', 'user/gone', 'Both']) {
    await master.create(name, ['one']);
  }
  await master.create('Both/Below');
  // Behind these, LIST does not tell of mailboxes without a domain, or tells of some that are none.
  for (const name of ['user/anna/Work', 'halls', 'halls/north', 'halls/north/Room'])
    await master.create(`${name}@example.org`);
  await master.create('halls');
  await syncClientOk(pair.master, ['-A']);
  for (const name of ['user/jo.smith/Extra', 'user/ghost', 'user/ghost/Work', 'user/guest@example.org']) {
    await replica.create(name, ['theirs']);
  }
  for (const name of ['Lobby', 'Both/Theirs', 'Forum@example.org', 'halls/north']) await replica.create(name);
  // Taken off the list behind the log's back.
  await master.imap.ok('SETACL user/gone admin lrswipkxtecdan');
  await master.imap.ok('DELETE user/gone');
});

after(async () => {
  await sides?.[Symbol.asyncDispose]();
  await pair?.[Symbol.asyncDispose]();
});

async function settings(content: string): Promise<string[]> {
  const file = join(pair.master.directory, 'verify.ini');
  await writeFile(file, `${content}\n`);
  giveToCyrus(file);
  return ['--settings', file];
}

const THEIRS = [
  'Both/Theirs: the mailbox is only on the replica',
  'Forum@example.org: the mailbox is only on the replica',
  'Lobby: the mailbox is only on the replica',
  'halls/north: the mailbox is only on the replica',
  'user/ghost/Work: the mailbox is only on the replica',
  'user/ghost: the mailbox is only on the replica',
  'user/guest@example.org: the mailbox is only on the replica',
  'user/jo.smith/Extra: the mailbox is only on the replica',
];

const onlyThere = (stdout: string): string[] =>
  stdout
    .split('\n')
    .filter((line) => line.includes('is only on the replica'))
    .sort();

test('over csync nobody can be listed there: that is said, and a folder too many of a user who is here is found', async () => {
  const { stdout, code } = await cyrusSync(pair.master, 'verify', ['-A']);
  assert.match(
    stdout,
    /^users whom only the replica has were not looked for: \S+ does not speak IMAP \(replica_imap/m,
  );
  assert.deepEqual(onlyThere(stdout), ['user/jo.smith/Extra: the mailbox is only on the replica']);
  assert.equal(code, 2);
});

test('a replica that serves one connection alone is compared, and not asked for another', async () => {
  await using small = await startPair({ replica: { syncProcesses: 1 } });
  await using ends = await openSides(small);
  await ends.master.create('user/anna', ['one']);
  await syncClientOk(small.master, ['-A', '--workers', '1']);
  const { stdout, stderr, code } = await cyrusSync(small.master, 'verify', ['-A', '--workers', '1']);
  assert.match(stdout, /does not speak IMAP[^\n]*\n1 of 1 users proven/);
  assert.equal(code, 0, stdout + stderr);
});

test('a master without anybody still finds who is on the replica', async () => {
  await using empty = await startPair();
  await using ends = await openSides(empty);
  await ends.replica.create('user/ghost', ['theirs']);
  const given = join(empty.master.directory, 'verify.ini');
  await writeFile(given, `replica_imap = 127.0.0.1:${empty.replica.imapPort}\n`);
  giveToCyrus(given);
  await ends.master.create('nobody');
  await ends.master.imap.ok('DELETE nobody');
  const { stdout, stderr, code } = await cyrusSync(empty.master, 'verify', ['-A', '--settings', given]);
  assert.deepEqual(onlyThere(stdout), ['user/ghost: the mailbox is only on the replica'], stdout + stderr);
  assert.equal(code, 2);
});

test('users and shared mailboxes that only the replica has are found by its IMAP server, which a setting names', async () => {
  const report = join(pair.master.directory, 'report.json');
  const given = await settings(`replica_imap = 127.0.0.1:${pair.replica.imapPort}`);
  const { stdout, stderr, code } = await cyrusSync(pair.master, 'verify', [
    '-A',
    ...given,
    '--report',
    report,
  ]);
  assert.deepEqual(onlyThere(stdout), THEIRS, stdout + stderr);
  assert.match(
    stdout,
    /^DELETED\/user\/gone\/\w+: name: DELETED\/user\/gone\/\w+ on the master, user\/gone on the replica$/m,
  );
  assert.doesNotMatch(stdout, /not looked for|passed over/);
  assert.equal(code, 2, stderr);
  const { run, users } = JSON.parse(await readFile(report, 'utf8'));
  assert.equal(run.replicaListed, true);
  assert.deepEqual(
    users
      .filter((each: { user: string }) => each.user === 'ghost')
      .map((each: { grade: string }) => each.grade),
    ['differs'],
  );
  const chosen = await cyrusSync(pair.master, 'verify', ['-A', ...given, '--include', 'gh*']);
  assert.deepEqual(onlyThere(chosen.stdout), THEIRS.slice(4, 6));
});

test('a replica that is reached by IMAP is asked without any setting', async () => {
  const { master, replica } = pair;
  const port = master.setting('sync_port');
  master.configure('sync_port', String(replica.imapPort));
  master.configure('sync_try_imap', 'yes');
  await master.writeConfiguration();
  try {
    const { stdout, stderr } = await cyrusSync(master, 'verify', ['-A']);
    assert.deepEqual(onlyThere(stdout), THEIRS, stdout + stderr);
    const prefixed = await cyrusSync(master, 'verify', ['-A', 'Both']);
    assert.deepEqual(onlyThere(prefixed.stdout), THEIRS.slice(0, 1));
  } finally {
    master.configure('sync_port', port);
    master.configure('sync_try_imap', undefined);
    await master.writeConfiguration();
  }
});

test('an IMAP server that cannot be asked leaves something untold', async () => {
  const given = await settings('replica_imap = 127.0.0.1:1');
  const { stdout, code } = await cyrusSync(pair.master, 'verify', ['-A', ...given, '--exclude', 'jo*']);
  assert.match(
    stdout,
    /^users whom only the replica has were not looked for: connect\(127\.0\.0\.1:1\) failed/m,
  );
  assert.equal(code, 3);
});

test('--repair removes there what was deleted here, and nobody of whom that is not known', async () => {
  const given = await settings(`replica_imap = 127.0.0.1:${pair.replica.imapPort}`);
  const { stdout, stderr, code } = await cyrusSync(pair.master, 'verify', ['-A', '--repair', ...given]);
  assert.equal(code, 2, stdout);
  assert.doesNotMatch(stderr, /ghost|Lobby|guest/);
  const again = await cyrusSync(pair.master, 'verify', ['-A', ...given]);
  assert.deepEqual(
    onlyThere(again.stdout),
    THEIRS.filter((line) => !line.startsWith('user/gone')),
  );
  assert.equal((await sides.replica.messages('user/ghost')).length, 1);
  const removed = await cyrusSync(pair.master, 'verify', ['-u', 'jo.smith', '--repair', '-O']);
  assert.equal(removed.code, 0, removed.stdout + removed.stderr);
});
