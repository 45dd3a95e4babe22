import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { assertNothingLeft, assertSameMail } from '../../lab/assert-same-mail.ts';
import { PROGRAMS } from '../../lab/cyrus-programs.ts';
import { startPair } from '../../lab/cyrus-server.ts';
import { lockFile } from '../../lab/lock-user.ts';
import { startSyncClient, syncClientOk } from '../../lab/sync-client.ts';
import { BASE, messageOf, openSides } from '../../lab/two-sides.ts';

/** Milliseconds: far more than TERM takes to end a client on a slow machine, and less than the minute that it used to wait. */
const ENDS = 45_000;
const DELIVERIES = 10;
/** From then on imapd reads the annotations whenever it changes a mailbox, so that it waits for them without us too. */
const IMAPD_WAITS_TOO = PROGRAMS.isAtLeast(3, 10);

test('while somebody keeps the annotations locked, mail is delivered beside this client, and TERM ends it', async () => {
  await using pair = await startPair();
  await using sides = await openSides(pair);
  await sides.master.create('user/anna', BASE);
  await sides.master.create('user/anna/Work', BASE);
  await sides.master.imap.ok('SETMETADATA user/anna (/shared/comment "x")');
  await using lock = await lockFile(pair.master, join(pair.master.configDirectory, 'annotations.db'));
  const stopped = startSyncClient(pair.master, ['-v', '-u', 'anna'], { deadline: ENDS });
  await stopped.waitForOutput((stdout) => stdout.includes('USER anna'));
  const deliver = async (): Promise<void> => {
    for (let i = 0; i < DELIVERIES; i++) {
      await sides.master.imap.ok('APPEND user/anna ', messageOf(`delivered ${i}`));
    }
  };
  const delivered = deliver();
  // Nobody lets go of the annotations before: a delivery that waits for them would do so until the client is killed for it.
  if (!IMAPD_WAITS_TOO) await delivered;
  stopped.kill('SIGTERM');
  await stopped.result;

  const run = startSyncClient(pair.master, ['-v', '-u', 'anna']);
  await run.waitForOutput((stdout) => stdout.includes('USER anna'));
  await lock.release();
  const { code, stderr } = await run.result;
  assert.equal(code, 0, stderr);
  if (IMAPD_WAITS_TOO) {
    await delivered;
    await syncClientOk(pair.master, ['-u', 'anna']);
  }
  await assertNothingLeft(pair);
  await assertSameMail(pair.master, pair.replica, ['anna']);
});
