import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Comparison } from '../../lab/assert-same-mail.ts';
import { INSTALLED_PROGRAMS, PROGRAMS, unpackedPrograms } from '../../lab/cyrus-programs.ts';
import { type Pair, startPair } from '../../lab/cyrus-server.ts';
import { assertInStep } from '../../lab/rolling-client.ts';
import { syncClient, syncClientOk } from '../../lab/sync-client.ts';
import { messageOf, openSides } from '../../lab/two-sides.ts';

/** Messages of the mailbox: enough for a read of it to take a while. */
const MESSAGES = 2_000;
const PEOPLE = 3;
const RUNS = 4;

const OPTIONS = { imapd: { conversations: 'yes', expunge_mode: 'immediate' } };

test('while one user changes mail on three connections none of them waits for a run, and all arrives in the end', async () => {
  await using pair = await startPair({ both: OPTIONS });
  await stormBesideRuns(pair);
});

test('nobody waits for a run from a master of 3.2 to a newer replica either', async (t) => {
  const isOld = !PROGRAMS.isAtLeast(3, 4);
  const master = isOld ? PROGRAMS : unpackedPrograms('3.2');
  if (master === undefined || PROGRAMS.areInstalled) {
    t.diagnostic(
      'nothing is tried: with 3.2 it is, to the installed one, and to others where 3.2 is unpacked',
    );
    return;
  }
  const replica = isOld ? INSTALLED_PROGRAMS : PROGRAMS;
  await using pair = await startPair({
    both: OPTIONS,
    master: { programs: master },
    replica: { programs: replica },
  });
  await stormBesideRuns(pair, { known: (line) => OF_THE_VERSION.test(line) });
});

/** A list of mailboxes from 3.6 on has a letter for mail too. */
const OF_THE_VERSION = / mbtype: master "", replica "e"$/;

/** Each run is watched for whoever waits for it. */
async function stormBesideRuns(pair: Pair, comparison: Comparison = {}): Promise<void> {
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
    // A reader that has locks in another order than Cyrus keeps people from their mail for a minute. A mailbox that changes
    // faster than it can be merged may be left for the next run.
    for (let run = 0; run < RUNS; run++) await syncClient(pair.master, ['-u', 'anna']);
  } finally {
    running = false;
    await Promise.all(storm);
  }
  assert.ok(changes > RUNS, `only ${changes} changes`);
  await syncClientOk(pair.master, ['-A']);
  // What was cleaned up on the master stays with the replica as expunged.
  await assertInStep(pair, ['anna'], { expunged: 'left out', ...comparison });
}
