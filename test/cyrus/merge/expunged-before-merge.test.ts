import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startPair } from '../../lab/cyrus-server.ts';
import { syncClientOk } from '../../lab/sync-client.ts';
import { openSides } from '../../lab/two-sides.ts';

test('a message that was expunged before it was ever replicated can be restored on the replica, merge or not', async () => {
  await using pair = await startPair();
  await using sides = await openSides(pair);
  for (const user of ['plain', 'merged']) {
    await sides.master.create(`user/${user}`, ['A', 'B']);
    await syncClientOk(pair.master, ['-u', user]);
    for (const subject of ['gone', 'left']) await sides.master.append(`user/${user}`, subject);
    await sides.master.expunge(`user/${user}`, 3);
  }
  for (const sign of ['+', '-', '+', '-', '+'])
    await sides.replica.within('user/merged', `UID STORE 1 ${sign}FLAGS (There)`);
  const run = await syncClientOk(pair.master, ['-v', '-u', 'plain', 'merged']);
  assert.match(run.stdout, /FULLMAILBOX user\.merged/);
  assert.doesNotMatch(run.stdout, /FULLMAILBOX user\.plain/);
  for (const user of ['plain', 'merged']) {
    await pair.replica.runOk('unexpunge', ['-u', `user/${user}`, '3']);
    const messages = await sides.replica.messages(`user/${user}`);
    assert.deepEqual(
      messages.map((message) => message.split(' ')[1]).sort(),
      ['A', 'B', 'gone', 'left'],
      user,
    );
  }
});
