import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { sentCommands } from '../../lab/assert-same-mail.ts';
import { startPair } from '../../lab/cyrus-server.ts';
import { populate } from '../../lab/populate.ts';
import { syncClient, syncClientOk } from '../../lab/sync-client.ts';
import { openSides } from '../../lab/two-sides.ts';

test('a first copy with --verify proves each user, and says how many', async () => {
  await using pair = await startPair({ both: { imapd: { conversations: 'yes' } } });
  const { users } = await populate(pair.master, { users: 6 });
  const run = await syncClient(pair.master, ['-A', '--verify']);
  assert.equal(run.code, 0, run.stdout + run.stderr);
  // The shared mailboxes count as one.
  const all = users.length + 1;
  assert.match(
    run.stdout,
    new RegExp(
      `^users whom only the replica has were not looked for\\n${all} of ${all} users proven the same on both sides`,
    ),
  );
});

test('a pass with --verify asks once for each user of whom there was nothing to send, and again for who was sent', async () => {
  await using pair = await startPair();
  await using sides = await openSides(pair);
  const users = ['anna', 'bert', 'carl'];
  for (const user of users) await sides.master.create(`user/${user}`, ['one']);
  await syncClientOk(pair.master, ['-A']);
  await sides.master.append('user/carl', 'another');
  const run = await syncClientOk(pair.master, ['-v', '-v', '-A', '--verify', '--workers', '1']);
  assert.match(run.stdout, /^3 of 3 users proven the same on both sides/m);
  const asked = sentCommands(run.stderr).filter((line) => line.startsWith('GET USER'));
  assert.deepEqual(asked.sort(), [...users, 'carl'].map((user) => `GET USER ${user}`).sort());
});

test('what a run leaves different is found by --verify, and the run has failed', async () => {
  await using pair = await startPair();
  await using sides = await openSides(pair);
  for (const user of ['anna', 'bert']) await sides.master.create(`user/${user}`, ['one']);
  await syncClientOk(pair.master, ['-A']);
  await sides.replica.create('user/anna/Theirs');
  const report = join(pair.master.directory, 'report.json');
  const run = await syncClient(pair.master, ['-A', '--verify', '--report', report]);
  assert.equal(run.code, 1, run.stdout + run.stderr);
  assert.match(run.stdout, /^user\/anna\/Theirs: the mailbox is only on the replica$/m);
  assert.match(run.stdout, /^1 of 2 users proven the same on both sides .*1 differ/m);
  const { users } = JSON.parse(await readFile(report, 'utf8')) as {
    users: { user: string; grade: string }[];
  };
  assert.deepEqual(users.map(({ user, grade }) => `${user} ${grade}`).sort(), [
    'anna differs',
    'bert identical',
  ]);
});
