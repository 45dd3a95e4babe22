import { test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { Choices } from '../../lab/generated-mail.ts';
import { assertInStep, RollingClient } from '../../lab/rolling-client.ts';
import { StreamOfChanges } from '../../lab/stream-of-changes.ts';
import { FEWER_USERS, HALF_MS, SEED, streamSite, tellMerges } from './stream-site.ts';

const LEAST_CUTS = 3;

const site = streamSite();

test('the replica stopped and started, and cut off in the middle of commands, during the stream: nothing is lost', async (t) => {
  const { pair, proxy, shears } = site();
  const choices = new Choices(`${SEED} cuts`);
  await using client = new RollingClient(pair);
  await using stream = await StreamOfChanges.start(pair.master, `${SEED}c`, FEWER_USERS);
  const end = Date.now() + HALF_MS;
  for (let round = 0; Date.now() < end || proxy.cuts < LEAST_CUTS; round++) {
    if (round % 4 === 3) {
      await pair.replica.halt();
      await wait(choices.below(1500));
      await pair.replica.start();
    } else {
      shears.cutAfter(500 + choices.below(8_000));
    }
    await stream.lasts(300 + choices.below(1000));
  }
  await stream.stop();
  await client.settled();
  t.diagnostic(`${stream.changes} changes, ${proxy.cuts} cuts, ${proxy.connections} connections`);
  await assertInStep(pair, stream.users);
  tellMerges(t, client);
});
