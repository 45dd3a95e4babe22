import assert from 'node:assert/strict';
import test from 'node:test';
import { assertNothingLeft, assertSameMail } from '../../lab/assert-same-mail.ts';
import { startPair } from '../../lab/cyrus-server.ts';
import { openStranger } from '../../lab/open-stranger.ts';
import { append, populate } from '../../lab/populate.ts';
import { openSides } from '../../lab/two-sides.ts';

test('over csync: users, mailboxes and scripts by name, then renames and deletions', async (t) => {
  await using pair = await startPair({ both: { imapd: { allowusermoves: 'yes' } } });
  const { master, replica } = pair;
  const population = await populate(master, { users: 4 });
  const { users } = population;
  const [first = '', second = '', third = ''] = users;
  await using stranger = await openStranger(master, replica, { over: 'csync' });

  await t.test('-u copies users, -m shared mailboxes', async () => {
    await stranger.runOk(['-u', ...users]);
    await stranger.runOk(['-m', ...population.sharedMailboxes]);
    await assertNothingLeft(pair);
    await assertSameMail(master, replica, users);
  });

  await t.test('-s, -m and plan say and send what has changed, and verify proves it', async () => {
    await using client = await master.imap(first);
    await append(client, 'INBOX', 2, 'by name', first);
    await client.ok('UNSUBSCRIBE INBOX');
    const plan = await stranger.verb(['plan', '-u', first]);
    assert.equal(plan.code, 0, plan.stderr);
    assert.match(plan.stdout, new RegExp(`${first}.*2 messages`));
    const differs = await stranger.verb(['verify', '-u', first]);
    assert.equal(differs.code, 2, differs.stdout + differs.stderr);
    await stranger.runOk(['-s', first]);
    await stranger.runOk(['-m', `user/${first}`]);
    await assertNothingLeft(pair);
    const proven = await stranger.verb(['verify', '-u', ...users, '--deep']);
    assert.equal(proven.code, 0, proven.stdout + proven.stderr);
  });

  await t.test(
    'a renamed user, folders that change places, a folder that goes to another user, and deleted ones',
    async () => {
      await using sides = await openSides(pair);
      const { imap } = sides.master;
      await imap.ok(`RENAME user/${first} user/${first}two`);
      await using client = await master.imap(second);
      for (const folder of ['A', 'B', 'Gone', 'Given']) {
        await client.ok(`CREATE INBOX/${folder}`);
        await append(client, `INBOX/${folder}`, 2, folder, second);
      }
      await stranger.runOk(['-u', second]);
      await client.ok('RENAME INBOX/A INBOX/C');
      await client.ok('RENAME INBOX/B INBOX/A');
      await client.ok('RENAME INBOX/C INBOX/B');
      await client.ok('DELETE INBOX/Gone');
      await imap.ok(`SETACL user/${second}/Given admin lrswipkxtecdan`);
      await imap.ok(`RENAME user/${second}/Given user/${third}/Given`);
      const now = [`${first}two`, ...users.slice(1)];
      const run = await stranger.runOk(['-v', '-u', ...now]);
      assert.match(run.stdout, new RegExp(`RENAME user.${first} -> user.${first}two`));
      await assertNothingLeft(pair);
      // A server tells of no quota of a name that nobody has, so that it stays on the replica until somebody has the name again.
      const known = (line: string) =>
        line.startsWith(`quota > user/${first} `) && line.includes('master nothing');
      await assertSameMail(master, replica, now, { known });
    },
  );

  await t.test('a name that nobody has is said to match nothing', async () => {
    const run = await stranger.runOk(['-u', 'nobody-here']);
    assert.match(run.stderr, /nobody-here/);
  });
});
