import assert from 'node:assert/strict';
import { chmod, chown, copyFile, mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { CyrusServer } from '../../lab/cyrus-server.ts';
import { cyrusIdentity, runAs } from '../../lab/processes.ts';
import { LAUNCHER } from '../../lab/start-command.ts';

/* Contract: what stands in the way of the command does not stand in the way of the mail server, and is said. */

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
