import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertNothingLeft, assertSameMail } from '../../lab/assert-same-mail.ts';
import { startPair } from '../../lab/cyrus-server.ts';
import { DelayProxy } from '../../lab/delay-proxy.ts';
import { generateMail } from '../../lab/generated-mail.ts';
import { syncClientOk } from '../../lab/sync-client.ts';

/** Octets a second. */
const RATE = 600_000;
const MESSAGES = 400;
const PARAGRAPHS = 40;

/** A message of some 20 kB of words. */
function letter(index: number): Buffer {
  const parts = Array.from({ length: PARAGRAPHS }, (_, part) =>
    generateMail({ seed: `${index} ${part}`, to: 'anna', date: 1_704_067_200 }).bytes.toString('latin1'),
  );
  return Buffer.from(`Subject: letter ${index}\r\n\r\n${parts.join('\r\n')}`, 'latin1');
}

test('over a slow link the connection compresses as soon as that shows, and says so', async () => {
  await using pair = await startPair();
  {
    await using imap = await pair.master.imap();
    await imap.ok('CREATE user/anna');
    await imap.ok('SETACL user/anna admin lrswipkxtecda');
    const letters = Array.from({ length: MESSAGES }, (_, index) => letter(index));
    await imap.ok('APPEND user/anna', ...letters.flatMap((bytes) => [' ', bytes]));
  }
  const direct = String(pair.replica.syncPort);
  {
    await using proxy = await DelayProxy.start({
      targetPort: pair.replica.syncPort,
      roundTrip: 10,
      rate: RATE,
      hideCompression: false,
    });
    pair.master.configure('sync_port', String(proxy.port));
    await pair.master.writeConfiguration();
    const run = await syncClientOk(pair.master, ['-A', '--workers', '1', '--log-to-stderr']);
    assert.match(run.stderr, /compressing to '127\.0\.0\.1' from now on \(level 6\): the link takes \d+ kB/);
  }
  pair.master.configure('sync_port', direct);
  await pair.master.writeConfiguration();
  await assertNothingLeft(pair);
  await assertSameMail(pair.master, pair.replica, ['anna']);
});
