import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PROGRAMS } from '../../lab/cyrus-programs.ts';
import { startPair } from '../../lab/cyrus-server.ts';
import { syncClientOk } from '../../lab/sync-client.ts';
import { BASE, openSides } from '../../lab/two-sides.ts';

test('a keyword that no message has any more is known to a replica that takes it, from Cyrus 3.12 on', async () => {
  await using pair = await startPair();
  await using sides = await openSides(pair);
  await sides.master.create('user/anna', BASE);
  await sides.master.within('user/anna', 'UID STORE 1 +FLAGS (Former)', 'UID STORE 1 -FLAGS (Former)');
  await sides.master.flag('user/anna', 2, 'Present');
  await syncClientOk(pair.master, ['-A']);
  const selected = await sides.replica.imap.ok('SELECT user/anna');
  const flags = JSON.stringify(selected.find(([kind]) => kind === 'FLAGS'));
  assert.match(flags, /Present/);
  assert.equal(/Former/.test(flags), PROGRAMS.isAtLeast(3, 12));
});
