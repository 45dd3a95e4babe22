import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { CyrusServer, giveToCyrus, startPair } from '../../lab/cyrus-server.ts';
import { receiveDatagrams } from '../../lab/datagram-receiver.ts';
import { RollingClient } from '../../lab/rolling-client.ts';
import { syncClient } from '../../lab/sync-client.ts';
import { until } from '../../lab/until.ts';

/* Contract: systemd learns when replication is under way, that it is alive, and that it is about to end (Type=notify). */

/** Half of it is the time between two signs of life. So few that they never fill the socket, which would lose what comes last. */
const WATCHDOG_MICROSECONDS = '1000000';

test('the service manager is told that it is ready, that it is alive, and that it stops', async () => {
  await using pair = await startPair({ master: { imapd: { sync_log: 'yes' } } });
  const path = join(pair.master.directory, 'notify');
  using manager = receiveDatagrams(path);
  giveToCyrus(path);
  await using client = new RollingClient(pair, [], {
    NOTIFY_SOCKET: path,
    WATCHDOG_USEC: WATCHDOG_MICROSECONDS,
  });
  const told: string[] = [];
  const hears = async (wanted: string): Promise<void> =>
    await until(`the service manager hears ${wanted}`, () => {
      told.push(...manager.received());
      return told.includes(wanted);
    });
  await hears('READY=1\nSTATUS=following a sync log');
  await client.settled();
  told.length = 0;
  await hears('WATCHDOG=1');
  client.tool.kill('SIGTERM');
  await client.tool.result;
  await hears('STOPPING=1');
});

test('a replica that is away keeps nobody from being ready', async () => {
  await using master = await CyrusServer.prepare('alone', {
    imapd: {
      sync_log: 'yes',
      sync_host: '127.0.0.1',
      sync_port: '1',
      sync_password: 'x',
      sync_authname: 'x',
    },
  });
  const path = join(master.directory, 'notify');
  using manager = receiveDatagrams(path);
  giveToCyrus(path);
  await using _client = new RollingClient({ master }, [], { NOTIFY_SOCKET: path });
  await until('ready', () => manager.received().some((text) => text.startsWith('READY=1')));
});

test('a service manager that is not there ends the start with one line', async () => {
  await using master = await CyrusServer.prepare('alone', {
    imapd: { sync_log: 'yes', sync_host: '127.0.0.1' },
  });
  const path = join(master.directory, 'nobody');
  const run = await syncClient(master, ['-R'], { env: { NOTIFY_SOCKET: path } });
  assert.notEqual(run.code, 0);
  assert.equal(run.stderr, `sync_client: ${path}: sendto failed: ENOENT\n`);
});
