import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startPair } from '../../lab/cyrus-server.ts';
import { populate } from '../../lab/populate.ts';
import { syncClient } from '../../lab/sync-client.ts';

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
