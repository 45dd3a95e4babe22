import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertNothingLeft, assertSameMail } from '../../lab/assert-same-mail.ts';
import { startPair } from '../../lab/cyrus-server.ts';
import { addBigUser } from '../../lab/populate.ts';
import { ScriptedProxy } from '../../lab/scripted-proxy.ts';
import { Shears } from '../../lab/shears.ts';
import { syncClient } from '../../lab/sync-client.ts';

/** Several steps behind the first 8,192 messages, where the second connection comes in. */
const MESSAGES = 20_000;
const STEP = 2_048;

test('a large mailbox goes over two connections in turn, and both may break in the middle of it', async (t) => {
  await using pair = await startPair();
  await addBigUser(pair.master, 'big', MESSAGES);
  const shears = new Shears();
  await using proxy = await ScriptedProxy.start(pair.replica.syncPort, shears);
  pair.master.configure('sync_batchsize', String(STEP));
  pair.master.configure('sync_port', String(proxy.port));
  await pair.master.writeConfiguration();
  const running = syncClient(pair.master, ['-A', '--workers', '2', '--log-to-stderr']);
  let most = 0;
  let cuts = 0;
  const watch = setInterval(() => {
    most = Math.max(most, proxy.open);
    if (proxy.open < 2 || cuts >= 2) return;
    cuts++;
    shears.cutAfter(1_000_000);
  }, 20);
  const run = await running.finally(() => clearInterval(watch));
  assert.equal(run.code, 0, run.stderr);
  // A link that ends may still be open at its other end when the next one begins.
  assert.ok(most >= 2, 'the second connection was never used');
  assert.ok(proxy.cuts > 0, 'no connection was ever cut');
  t.diagnostic(`${proxy.cuts} cuts, ${proxy.connections} connections`);
  pair.master.configure('sync_port', String(pair.replica.syncPort));
  await pair.master.writeConfiguration();
  await assertNothingLeft(pair);
  await assertSameMail(pair.master, pair.replica, ['big']);
});
