import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { assertSameMail } from '../../lab/assert-same-mail.ts';
import { CommandGate } from '../../lab/command-gate.ts';
import { CyrusServer, replicaSettings } from '../../lab/cyrus-server.ts';
import { append } from '../../lab/populate.ts';
import { RollingClient } from '../../lab/rolling-client.ts';
import { ScriptedProxy } from '../../lab/scripted-proxy.ts';
import { logFile, settled, until } from '../../lab/until.ts';

let near: CyrusServer;
let far: CyrusServer;
let master: CyrusServer;
/** The line to the far replica. */
let line: ScriptedProxy;
const gate = new CommandGate(['GET']);

before(async () => {
  [near, far] = await Promise.all([CyrusServer.start('near'), CyrusServer.start('far')]);
  line = await ScriptedProxy.start(far.syncPort, gate);
  // Two names, as two replicas have: the sync lock of a user goes by the name of the replica.
  const channel = (name: string, host: string, replica: CyrusServer, port: number) =>
    Object.fromEntries(
      Object.entries({ ...replicaSettings(replica), sync_host: host, sync_port: String(port) }).map(
        ([key, value]) => [`${name}_${key}`, value],
      ),
    );
  master = await CyrusServer.start('master', {
    imapd: {
      sync_log: 'yes',
      sync_log_channels: 'near far',
      sync_reconnect_maxwait: '1',
      ...channel('near', '127.0.0.1', near, near.syncPort),
      ...channel('far', 'localhost', far, line.port),
    },
  });
});

after(async () => {
  await Promise.all([near?.stop(), far?.stop(), master?.stop()]);
  await line?.[Symbol.asyncDispose]();
});

function isBehind(channel: string): boolean {
  const log = logFile(master, channel);
  return existsSync(log) || existsSync(`${log}-run`);
}

test('two channels in one process: the near replica never waits for the far one, nor the far one for one that is gone', async () => {
  const users = ['anna', 'bob', 'chiara', 'dmitri'];
  await using admin = await master.imap();
  for (const user of users) {
    await admin.ok(`CREATE user/${user}`);
    await admin.ok(`CREATE user/${user}/Work`);
  }
  for (const user of users) {
    await using client = await master.imap(user);
    await append(client, 'INBOX', 3, `${user} first`, user);
  }
  await using client = new RollingClient({ master }, ['-n', 'near', '-n', 'far']);
  await new Promise<void>((resolve) => gate.shutAt(1, resolve));
  // The far one answers nothing until the near one has everything.
  await settled(master, 'near');
  assert.ok(isBehind('far'), 'the far channel was done without an answer');
  gate.open();
  await settled(master, 'far');
  await assertSameMail(master, near, users);
  await assertSameMail(master, far, users);

  await near.halt();
  for (const user of users) {
    await using imap = await master.imap(user);
    await append(imap, 'INBOX/Work', 2, `${user} second`, user);
  }
  await settled(master, 'far');
  assert.ok(isBehind('near'), 'nothing waits for the replica that is gone');
  await client.waitForLog(/connect\(127\.0\.0\.1\) failed|closed the idle connection/);
  await near.start();
  await until('near again', () => !existsSync(logFile(master, 'near')));
  await settled(master, 'near');
  await assertSameMail(master, near, users);
  await assertSameMail(master, far, users);
});
