import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertNothingLeft, assertSameMail } from '../../lab/assert-same-mail.ts';
import { type CyrusServer, startPair } from '../../lab/cyrus-server.ts';
import { DelayProxy } from '../../lab/delay-proxy.ts';
import { append } from '../../lab/populate.ts';
import { syncClientOk } from '../../lab/sync-client.ts';

const USERS = Array.from({ length: 200 }, (_, index) => `user${index}`);

async function pointTo(master: CyrusServer, port: number): Promise<void> {
  master.configure('sync_port', String(port));
  await master.writeConfiguration();
}

async function fill(master: CyrusServer, users = USERS): Promise<void> {
  await using imap = await master.imap();
  for (const user of users) {
    await imap.ok(`CREATE user/${user}`);
    await imap.ok(`SETACL user/${user} admin lrswipkxtecda`);
    await append(imap, `user/${user}`, 10, user, user);
  }
}

test('a replica with a limit on its processes gets everything over those that it has', async () => {
  await using pair = await startPair({
    replica: { syncProcesses: 2 },
    master: { imapd: { client_timeout: '1s' } },
  });
  await fill(pair.master);
  {
    // A client that waits for a long line is one that more connections help.
    await using proxy = await DelayProxy.start({
      targetPort: pair.replica.syncPort,
      roundTrip: 80,
      rate: 0,
      hideCompression: false,
    });
    await pointTo(pair.master, proxy.port);
    const run = await syncClientOk(pair.master, ['-A', '--workers', '8', '--log-to-stderr']);
    const refused = run.stderr.search(/takes no more connections, going on with [12]/);
    assert.ok(refused >= 0, run.stderr);
    // Until then the one that is to serve the run may have come late, and been tried again.
    assert.doesNotMatch(run.stderr.slice(refused), /will retry|retrying/);
  }
  await pointTo(pair.master, pair.replica.syncPort);
  await assertNothingLeft(pair);
  await assertSameMail(pair.master, pair.replica, USERS);
});

test('--workers auto makes as many connections as a long line wants, and copies everything', async () => {
  await using pair = await startPair();
  await fill(pair.master);
  {
    await using proxy = await DelayProxy.start({
      targetPort: pair.replica.syncPort,
      roundTrip: 40,
      rate: 0,
      hideCompression: false,
    });
    await pointTo(pair.master, proxy.port);
    await syncClientOk(pair.master, ['-A', '--workers', 'auto']);
    assert.ok((await proxy.counts()).connections > 1, 'one connection did it all');
  }
  await pointTo(pair.master, pair.replica.syncPort);
  await assertNothingLeft(pair);
  await assertSameMail(pair.master, pair.replica, USERS);
});

test('as many connections as the operator asks for, where there is as much to send', async () => {
  await using pair = await startPair();
  const users = USERS.slice(0, 6);
  await fill(pair.master, users);
  await using proxy = await DelayProxy.start({
    targetPort: pair.replica.syncPort,
    roundTrip: 0,
    rate: 0,
    hideCompression: false,
  });
  await pointTo(pair.master, proxy.port);
  await syncClientOk(pair.master, ['-A', '--workers', '6']);
  assert.equal((await proxy.counts()).connections, 6);
  await syncClientOk(pair.master, ['-A', '--workers', '6']);
  assert.equal((await proxy.counts()).connections, 7, 'one is enough to find that nothing is to do');
  await assertSameMail(pair.master, pair.replica, users);
});
