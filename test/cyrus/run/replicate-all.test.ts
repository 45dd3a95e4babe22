import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import {
  appliedCommands,
  assertNothingLeft,
  assertSameMail,
  sentCommands,
} from '../../lab/assert-same-mail.ts';
import { changeRound } from '../../lab/change-round.ts';
import { CyrusServer, type Pair, startPair } from '../../lab/cyrus-server.ts';
import { assertSameState } from '../../lab/full-state.ts';
import { addBigUser, type Population, populate } from '../../lab/populate.ts';
import { syncClientOk } from '../../lab/sync-client.ts';

const SETTINGS = { conversations: 'yes' };
/** More than one step of `sync_batchsize`. */
const BIG_USER_MESSAGES = 9_000;

/** Filled once and stopped; each test copies it into its own pair. */
let filled: CyrusServer;
let population: Population;

before(async () => {
  filled = await CyrusServer.start('filled', { imapd: SETTINGS });
  population = await populate(filled, { users: 20 });
  await filled.halt();
});

after(async () => {
  await filled?.stop();
});

function pairWithMail(): Promise<Pair> {
  return startPair({ both: { imapd: SETTINGS }, master: { store: filled.directory } });
}

test('a first copy of everything leaves the C client nothing to send and both ends alike', async () => {
  await using pair = await pairWithMail();
  await addBigUser(pair.master, 'big', BIG_USER_MESSAGES);
  await syncClientOk(pair.master, ['-A']);
  await assertNothingLeft(pair);
  await assertSameMail(pair.master, pair.replica, [...population.users, 'big']);
  await assertSameState(pair, population.users);
});

test('rounds of everyday changes reach the replica', async () => {
  await using pair = await pairWithMail();
  await pair.master.runOk('sync_client', ['-A', '-o']);
  let changed = population;
  for (const round of [1, 2]) {
    changed = await changeRound(pair.master, changed, round);
    const run = await syncClientOk(pair.master, ['-v', '-v', '-A']);
    assert.notDeepEqual(appliedCommands(run.stderr), [], 'the changes were not sent at all');
    await assertNothingLeft(pair);
    await assertSameMail(pair.master, pair.replica, changed.users);
    await assertSameState(pair, changed.users);
  }
});

test('a pass with nothing to do asks once for each user, once for all shared mailboxes, and sends nothing', async () => {
  await using pair = await pairWithMail();
  await pair.master.runOk('sync_client', ['-A', '-o']);
  const run = await syncClientOk(pair.master, ['-v', '-v', '-A']);
  assert.deepEqual(appliedCommands(run.stderr), []);
  const asked = sentCommands(run.stderr).filter((line) => line.startsWith('GET '));
  const users = asked
    .filter((line) => line.startsWith('GET USER '))
    .map((line) => line.slice('GET USER '.length));
  assert.deepEqual(users.sort(), [...population.users].sort());
  const others = asked.filter((line) => !line.startsWith('GET USER '));
  assert.deepEqual(others, ['GET MAILBOXES (shared shared.Announcements)']);
});

test('the C client finds nothing to repair after ours, and ours nothing after the C client', async () => {
  await using pair = await pairWithMail();
  await syncClientOk(pair.master, ['-u', ...population.users.slice(0, 8)]);
  await pair.master.runOk('sync_client', ['-A', '-o']);
  const run = await syncClientOk(pair.master, ['-v', '-v', '-A']);
  assert.deepEqual(appliedCommands(run.stderr), []);
  await assertSameMail(pair.master, pair.replica, population.users);
});
