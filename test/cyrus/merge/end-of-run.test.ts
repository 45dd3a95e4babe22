import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type Pair, startPair } from '../../lab/cyrus-server.ts';
import { lockUser } from '../../lab/lock-user.ts';
import { syncClient, syncClientOk } from '../../lab/sync-client.ts';
import { openSides, type Sides } from '../../lab/two-sides.ts';

let pair: Pair;
let sides: Sides;

before(async () => {
  pair = await startPair();
  sides = await openSides(pair);
  for (const user of ['anna', 'bert', 'carla']) await sides.master.create(`user/${user}`, ['first']);
  await syncClientOk(pair.master, ['-A']);
});

after(async () => {
  await sides?.[Symbol.asyncDispose]();
  await pair?.stop();
});

test('a run that changes the master, leaves folders alone or passes users over says so at its end', async () => {
  await sides.replica.append('user/anna', 'only on the replica');
  await sides.master.append('user/anna', 'only on the master');
  await sides.replica.create('user/bert/Extra', ['extra']);
  await using _held = await lockUser(pair.master, 'carla', pair.master.setting('sync_host') ?? '');
  const run = await syncClient(pair.master, ['-A', '-N']);
  assert.equal(run.code, 0, run.stderr);
  assert.match(run.stderr, /^1 passed over, because another sync client is at work on them: carla$/m);
  assert.match(run.stderr, /^1 changed on both sides and merged, here too: user\/anna$/m);
  assert.match(run.stderr, /^1 only on the replica, .*: user\/bert\/Extra$/m);
});

test('a run that has nothing to tell says nothing', async () => {
  const run = await syncClient(pair.master, ['-u', 'anna', 'carla']);
  assert.equal(run.code, 0, run.stderr);
  assert.equal(run.stderr, '');
});
