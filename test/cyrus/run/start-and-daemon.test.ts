import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { chmod, chown, copyFile, mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { assertSameMailOf } from '../../lab/assert-same-mail.ts';
import { CyrusServer, startPair } from '../../lab/cyrus-server.ts';
import { placeFile } from '../../lab/place-file.ts';
import { append } from '../../lab/populate.ts';
import { cyrusIdentity, runAs } from '../../lab/processes.ts';
import { LAUNCHER } from '../../lab/start-command.ts';
import { settled, until } from '../../lab/until.ts';

/*
 * Contract: in START and DAEMON of a real master process the command does what the C client does there. What stands
 * in its way does not stand in the way of the mail server, and is said.
 */

test('-r in START is in the background before the services begin, and in DAEMON it stays: both follow the log', async () => {
  await using pair = await startPair({
    master: { imapd: { sync_log: 'yes', sync_log_channels: 'start daemon' } },
  });
  const { master, replica } = pair;
  for (const channel of ['start', 'daemon']) {
    for (const option of ['host', 'port', 'authname', 'password', 'try_imap']) {
      master.configure(`${channel}_sync_${option}`, master.setting(`sync_${option}`));
    }
  }
  await master.halt();
  const [program, end] = [`${LAUNCHER} -C ${master.configFile}`, join(master.directory, 'shutdown')];
  master.configure('start_sync_shutdown_file', end);
  master.addEntry('START', `first cmd="${program} -n start -r"`);
  master.addEntry('DAEMON', `follow cmd="${program} -n daemon -r"`);
  await master.writeConfiguration();
  // Master waits for the command in START, so that this alone shows that it is in the background.
  await master.start();
  {
    await using admin = await master.imap();
    await admin.ok('CREATE user/anna');
    await admin.ok('SETACL user/anna admin lrswipkxtecda');
    await append(admin, 'user/anna', 2, 'mail', 'anna');
  }
  // Each of the two has a log of its own, and has to empty it.
  for (const channel of ['start', 'daemon']) await settled(master, channel);
  await assertSameMailOf(master, replica, ['anna']);
  placeFile(end, '');
  await until('the end of the one of START', () => !existsSync(end));
});

/** An installation of which the Cyrus user can run the script alone. */
async function unreadableInstallation(directory: string): Promise<string> {
  const launcher = join(directory, 'bin', 'sync_client');
  await mkdir(dirname(launcher));
  await copyFile(LAUNCHER, launcher);
  await copyFile(`${LAUNCHER}.cjs`, `${launcher}.cjs`);
  const { uid, gid } = cyrusIdentity();
  // Its owner too has no right to read a file of mode 0.
  if (uid !== undefined && gid !== undefined) await chown(`${launcher}.cjs`, uid, gid);
  await chmod(`${launcher}.cjs`, 0);
  return launcher;
}

test('in DAEMON a command that cannot start leaves the mail server up; run by hand it says what is wrong', async () => {
  await using server = await CyrusServer.prepare('daemon');
  const launcher = await unreadableInstallation(server.directory);
  server.addEntry('DAEMON', `syncclient cmd="${launcher} -C ${server.configFile} -r"`);
  await server.writeConfiguration();
  await server.start();
  await using admin = await server.imap();
  await admin.ok('CREATE user/anna');
  const run = await runAs([launcher, '-C', server.configFile, '-r']);
  assert.equal(run.code, 78, run.stderr);
  assert.match(run.stderr, /^sync_client: .*sync_client\.cjs cannot be read by cyrus: install it where/);
});
