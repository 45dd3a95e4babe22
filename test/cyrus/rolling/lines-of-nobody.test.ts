import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { test } from 'node:test';
import { assertNothingLeft, assertSameMail } from '../../lab/assert-same-mail.ts';
import { giveToCyrus, startPair } from '../../lab/cyrus-server.ts';
import { append } from '../../lab/populate.ts';
import { syncClientOk } from '../../lab/sync-client.ts';
import { logFile } from '../../lab/until.ts';

test('lines that name what no Cyrus can have are said once and gone, and nobody else waits for them', async () => {
  await using pair = await startPair();
  await using admin = await pair.master.imap();
  await admin.ok('CREATE user/anna');
  await using anna = await pair.master.imap('anna');
  await append(anna, 'INBOX', 2, 'anna', 'anna');
  const log = logFile(pair.master);
  const long = 'x'.repeat(5_000);
  const lines = [
    'USER anna',
    `USER ${long}`,
    `UNUSER ${long}`,
    `MAILBOX user.${long}.Sent`,
    `QUOTA user.${long}`,
    `SUB ${long} user.${long}`,
    `ANNOTATION shared/${long}`,
  ];
  await mkdir(dirname(log), { recursive: true });
  await writeFile(log, lines.map((line) => `${line}\n`).join(''));
  giveToCyrus(dirname(log));
  giveToCyrus(log);
  const run = await syncClientOk(pair.master, ['-R', '-1', '--log-to-stderr']);
  assert.equal(run.stderr.match(/line \d+ skipped/g)?.length, 6, run.stderr);
  assert.ok(!existsSync(log) && !existsSync(`${log}-run`));
  await assertSameMail(pair.master, pair.replica, ['anna']);
  await assertNothingLeft(pair);
});
