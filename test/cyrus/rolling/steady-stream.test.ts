import assert from 'node:assert/strict';
import { after, before, type TestContext, test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { type Pair, startPair } from '../../lab/cyrus-server.ts';
import { Choices } from '../../lab/generated-mail.ts';
import { assertInStep, isWorking, RollingClient } from '../../lab/rolling-client.ts';
import { ScriptedProxy } from '../../lab/scripted-proxy.ts';
import { Shears } from '../../lab/shears.ts';
import { StreamOfChanges } from '../../lab/stream-of-changes.ts';
import { logFile } from '../../lab/until.ts';

/** How long the steady stream lasts; the others, in which more happens, half of it. */
const SECONDS = Number(process.env.CYRUS_SYNC_TEST_SECONDS ?? 60);
const HALF = (SECONDS * 1000) / 2;
/** In the middle of a command: the connection is cut as soon as so many octets have passed. */
const LEAST_CUTS = 3;
/** Where users are many only for the comparison to last. */
const FEWER_USERS = 20;
/**
 * Lines of the log on a merge. Only the master is changed here, so that each is worth a look; but Cyrus 3.6.1 renames the
 * private annotations of a renamed user without their part of the stored checksum, and merges of those come of that.
 */
const MERGE =
  /full update|inefficient replication|guid mismatch|more recent on replica|only exists on replica/;
const SEED = process.env.CYRUS_SYNC_TEST_SEED ?? 'a';

let pair: Pair;
let proxy: ScriptedProxy;
const shears = new Shears();

before(async () => {
  pair = await startPair({
    both: { imapd: { allowusermoves: 'yes' } },
    master: { imapd: { sync_log: 'yes', sync_reconnect_maxwait: '1' } },
  });
  proxy = await ScriptedProxy.start(pair.replica.syncPort, shears);
  pair.master.configure('sync_port', String(proxy.port));
  await pair.master.writeConfiguration();
});

after(async () => {
  await pair?.stop();
  await proxy?.[Symbol.asyncDispose]();
});

test(`a steady stream of changes to 50 users for ${SECONDS} seconds: when it stops both ends are alike and the C client has nothing to send`, async (t) => {
  await using client = new RollingClient(pair);
  await using stream = await StreamOfChanges.start(pair.master, `${SEED}s`);
  await stream.lasts(SECONDS * 1000);
  await stream.stop();
  const stopped = Date.now();
  await client.settled();
  t.diagnostic(`${stream.changes} changes, settled ${Date.now() - stopped} ms after the last`);
  await assertInStep(pair, stream.users);
  assert.doesNotMatch(client.log, /quarantine/);
  tellMerges(t, client);
});

test('killed at random moments of the stream and started again each time, nothing is lost', async (t) => {
  const choices = new Choices(`${SEED} kills`);
  await using client = new RollingClient(pair);
  await using stream = await StreamOfChanges.start(pair.master, `${SEED}k`, FEWER_USERS);
  const end = Date.now() + HALF;
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

test('the replica stopped and started, and cut off in the middle of commands, during the stream: nothing is lost', async (t) => {
  const choices = new Choices(`${SEED} cuts`);
  await using client = new RollingClient(pair);
  await using stream = await StreamOfChanges.start(pair.master, `${SEED}c`, FEWER_USERS);
  const end = Date.now() + HALF;
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

function tellMerges(t: TestContext, client: RollingClient): void {
  for (const line of client.log.split('\n')) if (MERGE.test(line)) t.diagnostic(line);
}
