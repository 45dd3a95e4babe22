import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type Pair, startPair } from '../../lab/cyrus-server.ts';
import { syncClient } from '../../lab/sync-client.ts';

let pair: Pair;

before(async () => {
  pair = await startPair();
  await using admin = await pair.master.imap();
  await admin.ok('CREATE user/anna');
});

after(async () => {
  await pair?.stop();
});

test('a channel that nothing is configured for is named before anything is sent', async () => {
  const strict = await syncClient(pair.master, ['-v', '-A', '-n', 'ofsite', '--exit-codes', 'extended']);
  assert.equal(strict.code, 64, strict.stderr);
  assert.equal(strict.stdout, '');
  assert.match(strict.stderr, /channel ofsite/);

  const classic = await syncClient(pair.master, ['-v', '-A', '-n', 'ofsite']);
  assert.equal(classic.code, 0, classic.stderr);
  assert.match(classic.stderr, /^sync_client: nothing is configured for channel ofsite, .*plain/m);
  assert.match(classic.stdout, /^USER anna$/m);
});

test('a channel that servers log to is known although it has no options of its own', async () => {
  pair.master.configure('sync_log_channels', 'offsite');
  await pair.master.writeConfiguration();
  const run = await syncClient(pair.master, ['-A', '-n', 'offsite', '--exit-codes', 'extended']);
  assert.equal(run.code, 0, run.stderr);
  assert.equal(run.stderr, '');
});
