import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertNothingLeft, assertSameMail } from '../../lab/assert-same-mail.ts';
import { startPair } from '../../lab/cyrus-server.ts';
import { syncClientOk } from '../../lab/sync-client.ts';
import { BASE, openSides } from '../../lab/two-sides.ts';

test('messages that were removed for good before they were ever replicated need no merge; those that were do', async () => {
  await using pair = await startPair({
    both: { imapd: { expunge_mode: 'immediate', conversations: 'yes' } },
  });
  await using sides = await openSides(pair);
  for (const user of ['never', 'known', 'both']) await sides.master.create(`user/${user}`, BASE);
  await syncClientOk(pair.master, ['-A']);
  for (const user of ['never', 'both']) {
    for (const subject of ['gone', 'stays']) await sides.master.append(`user/${user}`, subject);
    await sides.master.expunge(`user/${user}`, 4);
  }
  for (const user of ['known', 'both']) {
    await sides.master.append(`user/${user}`, 'new');
    await sides.master.expunge(`user/${user}`, 2);
  }
  for (const user of ['never', 'known', 'both']) await sides.master.cleanUp(user);
  const { stdout, stderr } = await syncClientOk(pair.master, ['-v', '-A']);
  assert.match(stdout, /^MAILBOX user\.never$/m);
  assert.doesNotMatch(stdout, /FULLMAILBOX user\.never/);
  assert.match(stdout, /FULLMAILBOX user\.known/);
  assert.match(stdout, /FULLMAILBOX user\.both/);
  assert.doesNotMatch(stderr, /changed on both sides/);
  await assertNothingLeft(pair);
  await assertSameMail(pair.master, pair.replica, ['never', 'known', 'both'], { expunged: 'left out' });
});
