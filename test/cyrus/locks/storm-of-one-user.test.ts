import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startPair } from '../../lab/cyrus-server.ts';
import { assertInStep } from '../../lab/rolling-client.ts';
import { syncClient, syncClientOk } from '../../lab/sync-client.ts';
import { messageOf, openSides } from '../../lab/two-sides.ts';

/** Messages of the mailbox: enough for a read of it to take a while. */
const MESSAGES = 2_000;
const PEOPLE = 3;
const RUNS = 4;

test('while one user changes mail on three connections none of them waits for a run, and all arrives in the end', async () => {
  await using pair = await startPair({
    both: { imapd: { conversations: 'yes', expunge_mode: 'immediate' } },
  });
  await using sides = await openSides(pair);
  await sides.master.create('user/anna');
  await sides.master.create('user/anna/Work');
  await sides.master.imap.ok(
    'APPEND user/anna ',
    messageOf('first'),
    ...Array.from({ length: MESSAGES }, (_, i) => [' ', messageOf(`first ${i}`)]).flat(),
  );
  await syncClientOk(pair.master, ['-A']);
  let running = true;
  let changes = 0;
  const storm = Array.from({ length: PEOPLE }, async (_, person) => {
    await using session = await pair.master.imap('anna');
    for (let round = 0; running; round++) {
      const mailbox = (round + person) % 2 === 0 ? 'INBOX' : 'INBOX/Work';
      await session.ok(`APPEND ${mailbox} `, messageOf(`${person} ${round}`));
      await session.ok(`SELECT ${mailbox}`);
      await session.ok('STORE * +FLAGS (\\Flagged)');
      await session.ok('STORE * +FLAGS (\\Deleted)');
      await session.ok('EXPUNGE');
      changes++;
    }
  });
  try {
    // Each run is watched for whoever waits for it: a reader that has locks in another order than Cyrus keeps people from their
    // mail for a minute. A mailbox that changes faster than it can be merged may be left for the next run.
    for (let run = 0; run < RUNS; run++) await syncClient(pair.master, ['-u', 'anna']);
  } finally {
    running = false;
    await Promise.all(storm);
  }
  assert.ok(changes > RUNS, `only ${changes} changes`);
  await syncClientOk(pair.master, ['-A']);
  // What was cleaned up on the master stays with the replica as expunged.
  await assertInStep(pair, ['anna'], { expunged: 'left out' });
});
