import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { assertNothingLeft } from '../../lab/assert-same-mail.ts';
import { startPair } from '../../lab/cyrus-server.ts';
import { cyrusSync } from '../../lab/cyrus-sync.ts';
import { RollingClient } from '../../lab/rolling-client.ts';
import { StreamOfChanges } from '../../lab/stream-of-changes.ts';
import { syncClientOk } from '../../lab/sync-client.ts';
import { openSides } from '../../lab/two-sides.ts';

/**
 * How long users are compared while they are being changed. Without it they come to rest in the middle of the one comparison,
 * which otherwise goes on as long as those who change most are looked at.
 */
const SECONDS = Number(process.env.CYRUS_SYNC_TEST_SECONDS ?? 0);
const FEW_USERS = 12;

test('while users are changed and rolling replication follows, nobody is said to differ, and in the end all are proven', async (t) => {
  await using pair = await startPair({
    both: { imapd: { allowusermoves: 'yes' } },
    // So that there always is somebody with something in the log.
    master: { imapd: { sync_log: 'yes', sync_repeat_interval: '3' } },
  });
  await using client = new RollingClient(pair);
  await using stream = await StreamOfChanges.start(pair.master, 'verify', FEW_USERS);
  await stream.lasts(2_000);
  const began = Date.now();
  let comparisons = 0;
  do {
    const comparing = cyrusSync(pair.master, 'verify', ['-A']);
    if (SECONDS === 0) {
      await stream.lasts(4_000);
      await stream.stop();
    }
    const run = await comparing;
    assert.ok(run.code === 0 || run.code === 3, `${run.code}: ${run.stdout}${run.stderr}`);
    comparisons += 1;
  } while (Date.now() - began < SECONDS * 1_000);
  if (SECONDS > 0) await stream.stop();
  t.diagnostic(`${comparisons} comparisons beside ${stream.changes} changes in ${Date.now() - began} ms`);
  await client.settled();
  const run = await cyrusSync(pair.master, 'verify', ['-A', '--deep']);
  assert.equal(run.code, 0, run.stdout + run.stderr);
});

test('a full pass of rolling replication finds and repairs what no log line tells', async () => {
  await using pair = await startPair({ master: { imapd: { sync_log: 'yes' } } });
  await using sides = await openSides(pair);
  for (const user of ['anna', 'bert']) await sides.master.create(`user/${user}`, ['one', 'two', 'three']);
  // On both sides from the start: a flag that is set before the message is expunged may be repaired in between.
  await sides.master.flag('user/anna', 2, '\\Deleted');
  await syncClientOk(pair.master, ['-A']);
  const settings = join(pair.master.directory, 'full-pass.ini');
  await writeFile(settings, 'full_pass = 2s\n');
  await using client = new RollingClient(pair, ['--settings', settings]);
  await client.settled();
  await sides.replica.within('user/anna', 'UID EXPUNGE 2');
  await client.waitForLog(/repaired, and the same on both sides now: 'anna'/);
  assert.match(client.log, /differs: user\/anna, UID 2: the message is missing on the replica/);
  assert.doesNotMatch(client.log, /differs: user\/bert/);
  await assertNothingLeft(pair);
});
