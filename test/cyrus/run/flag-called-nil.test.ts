import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertNothingLeft } from '../../lab/assert-same-mail.ts';
import { startPair } from '../../lab/cyrus-server.ts';
import { syncClientOk } from '../../lab/sync-client.ts';
import { openSides } from '../../lab/two-sides.ts';

/** "No value" in the protocol, unless it is quoted. */
test('keywords and users called NIL are replicated, and merged', async () => {
  await using pair = await startPair();
  await using sides = await openSides(pair);
  await sides.master.create('user/NIL', ['one', 'two']);
  await sides.master.create('user/NIL/NIL', ['three']);
  await sides.master.flag('user/NIL', 1, 'NIL', 'nil2', '\\Flagged');
  await sides.master.flag('user/NIL/NIL', 1, 'NIL');
  await sides.master.imap.ok('SETACL user/NIL NIL lrs');
  await sides.master.imap.ok('SETMETADATA user/NIL (/shared/comment "NIL")');
  await syncClientOk(pair.master, ['-A']);
  await assertNothingLeft(pair);
  // The IMAP client of these tests reads the atom as no value.
  assert.deepEqual(await sides.replica.messages('user/NIL'), ['1 one \\Flagged nil2 null', '2 two']);

  await sides.master.append('user/NIL', 'here');
  await sides.replica.append('user/NIL', 'there');
  await sides.replica.flag('user/NIL', 2, 'NIL');
  await syncClientOk(pair.master, ['-A']);
  const merged = await sides.master.messages('user/NIL');
  assert.ok(merged.includes('2 two null'), merged.join('\n'));
  assert.deepEqual(await sides.replica.messages('user/NIL'), merged);
  await assertNothingLeft(pair);
});
