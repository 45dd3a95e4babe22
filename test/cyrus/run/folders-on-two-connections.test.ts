import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertNothingLeft, assertSameMail } from '../../lab/assert-same-mail.ts';
import { startPair } from '../../lab/cyrus-server.ts';
import { assertSameState } from '../../lab/full-state.ts';
import { MailboxesByConnection } from '../../lab/mailboxes-by-connection.ts';
import { append } from '../../lab/populate.ts';
import { ScriptedProxy } from '../../lab/scripted-proxy.ts';
import { syncClientOk } from '../../lab/sync-client.ts';

/** Each mailbox is below the one before, and has to come after it. */
const FOLDERS = ['', '/a', '/a/b', '/a/b/c', '/d', '/d/e'];
const MESSAGES = 300;

test('the folders of one user go over two connections, each after the one above it, and all is the same', async () => {
  await using pair = await startPair({ both: { imapd: { conversations: 'yes' } } });
  {
    await using imap = await pair.master.imap();
    for (const folder of FOLDERS) {
      await imap.ok(`CREATE user/anna${folder}`);
      await imap.ok(`SETACL user/anna${folder} admin lrswipkxtecda`);
      await append(imap, `user/anna${folder}`, MESSAGES, folder, 'anna');
    }
  }
  const seen = new MailboxesByConnection();
  await using proxy = await ScriptedProxy.start(pair.replica.syncPort, seen);
  pair.master.configure('sync_port', String(proxy.port));
  await pair.master.writeConfiguration();
  // Slow enough for a second connection to pay.
  await syncClientOk(pair.master, ['-u', 'anna', '--workers', '2', '--bwlimit', '1M']);
  assert.equal(seen.counts.length, 2);
  assert.ok(
    seen.counts.every((mailboxes) => mailboxes > 0),
    `MAILBOX commands by connection: ${seen.counts}`,
  );
  pair.master.configure('sync_port', String(pair.replica.syncPort));
  await pair.master.writeConfiguration();
  await assertNothingLeft(pair);
  await assertSameMail(pair.master, pair.replica, ['anna']);
  await assertSameState(pair, ['anna']);
});
