import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertInStep, RollingClient } from '../../lab/rolling-client.ts';
import { StreamOfChanges } from '../../lab/stream-of-changes.ts';
import { SECONDS, SEED, streamSite, tellMerges } from './stream-site.ts';

const site = streamSite();

test(`a steady stream of changes to 50 users for ${SECONDS} seconds: when it stops both ends are alike and the C client has nothing to send`, async (t) => {
  const { pair } = site();
  await using client = new RollingClient(pair);
  await using stream = await StreamOfChanges.start(pair.master, `${SEED}s`);
  await stream.lasts(SECONDS * 1000);
  await stream.stop();
  const stopped = Date.now();
  await client.settled();
  t.diagnostic(`${stream.changes} changes, settled ${Date.now() - stopped} ms after the last`);
  await assertInStep(pair, stream.users);
  assert.doesNotMatch(client.log, /in quarantine/);
  tellMerges(t, client);
});
