import assert from 'node:assert/strict';
import test from 'node:test';
import { startPair } from '../support/cyrus-server.ts';

test('a master and a replica of real Cyrus servers start, replicate with the C client, and stop', async () => {
  await using pair = await startPair();
  await using admin = await pair.master.imap();
  await admin.ok('CREATE user/anna');
  await admin.ok('SETACL user/anna admin lrswipkxtecda');
  await admin.ok('APPEND user/anna (\\Seen) ', Buffer.from('Subject: one\r\n\r\nbody\r\n'));
  const first = await pair.master.run('sync_client', ['-v', '-v', '-o', '-A']);
  assert.equal(first.code, 0, first.stderr);
  assert.match(first.stderr, /APPLY MAILBOX/);
  await using anna = await pair.replica.imap('anna');
  const found = await anna.ok('STATUS INBOX (MESSAGES)');
  assert.deepEqual(found, [['STATUS', 'INBOX', ['MESSAGES', '1']]]);
});
