import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertNothingLeft } from '../../lab/assert-same-mail.ts';
import { startPair } from '../../lab/cyrus-server.ts';
import { append } from '../../lab/populate.ts';
import { runAs } from '../../lab/processes.ts';
import { syncClientCommand } from '../../lab/sync-client.ts';

const USERS = Array.from({ length: 120 }, (_, index) => `user${index}`);

test('a low limit on open files costs users in flight, and none of them fails for it', async () => {
  await using pair = await startPair();
  await using imap = await pair.master.imap();
  for (const user of USERS) {
    await imap.ok(`CREATE user/${user}`);
    await imap.ok(`SETACL user/${user} admin lrswipkxtecda`);
    await append(imap, `user/${user}`, 2, user, user);
  }
  // A shell whose input is a socket takes itself for one of a remote login, and reads its start-up file.
  const limited = ['bash', '--norc', '-c', 'ulimit -n 60 && exec "$@"', 'limited'];
  const command = [...limited, ...syncClientCommand(), '-C', pair.master.configFile, '-A', '--workers', '4'];
  const { code, stderr } = await runAs(command, { cwd: pair.master.directory });
  assert.equal(code, 0, stderr);
  assert.equal(stderr, '', 'it was not even noticed');
  await assertNothingLeft(pair);
});
