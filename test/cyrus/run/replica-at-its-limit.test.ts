import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { after, before, test } from 'node:test';
import { assertNothingLeft } from '../../lab/assert-same-mail.ts';
import { type Pair, startPair } from '../../lab/cyrus-server.ts';
import { startSyncClient } from '../../lab/sync-client.ts';

/** A replica that takes connections and serves none of them: that passes, and nothing is wrong with the settings. */
let pair: Pair;

before(async () => {
  pair = await startPair({
    replica: { syncProcesses: 1 },
    master: { imapd: { sync_reconnect_maxwait: '1s' } },
  });
  await using admin = await pair.master.imap();
  await admin.ok('CREATE user/anna');
});

after(async () => {
  await pair?.stop();
});

async function waitAtMost(time: string | undefined): Promise<void> {
  pair.master.configure('client_timeout', time);
  await pair.master.writeConfiguration();
}

async function occupyTheOnlyProcess(): Promise<Socket> {
  const socket = connect(pair.replica.syncPort, '127.0.0.1');
  await once(socket, 'data');
  return socket;
}

for (const mode of [['-A'], ['-1']]) {
  test(`${mode} waits for a replica whose processes are all in use (maxchild), and succeeds`, async () => {
    await waitAtMost('1s');
    const occupied = await occupyTheOnlyProcess();
    const run = startSyncClient(pair.master, mode);
    await run.waitForOutput((_, stderr) => /retrying in 1 seconds: .*no banner.*maxchild/.test(stderr));
    occupied.destroy();
    const { code, stderr } = await run.result;
    assert.equal(code, 0, stderr);
    // The one process may have to see off those who gave up before it greets the C client.
    await waitAtMost(undefined);
    await assertNothingLeft(pair);
  });
}
