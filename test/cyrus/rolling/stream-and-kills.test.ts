import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Choices } from '../../lab/generated-mail.ts';
import { assertInStep, isWorking, RollingClient } from '../../lab/rolling-client.ts';
import { StreamOfChanges } from '../../lab/stream-of-changes.ts';
import { logFile } from '../../lab/until.ts';
import { FEWER_USERS, HALF_MS, SEED, streamSite, tellMerges } from './stream-site.ts';

const site = streamSite();

test('killed at random moments of the stream and started again each time, nothing is lost', async (t) => {
  const { pair } = site();
  const choices = new Choices(`${SEED} kills`);
  await using client = new RollingClient(pair);
  await using stream = await StreamOfChanges.start(pair.master, `${SEED}k`, FEWER_USERS);
  const end = Date.now() + HALF_MS;
  let kills = 0;
  let atWork = 0;
  while (Date.now() < end) {
    await stream.lasts(300 + choices.below(2500));
    if (isWorking(logFile(pair.master))) atWork++;
    await client.kill();
    kills++;
    client.restart();
  }
  await stream.stop();
  await client.settled();
  t.diagnostic(`${stream.changes} changes, ${kills} kills, ${atWork} with work under way`);
  assert.ok(atWork > 0, 'no kill hit a client at work');
  await assertInStep(pair, stream.users);
  tellMerges(t, client);
});
