import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { CyrusServer } from '../../lab/cyrus-server.ts';
import { canListen } from '../../lab/free-ports.ts';

/** Milliseconds: longer than `master` takes from its start until it listens. */
const STILL_LISTENING = 1_000;
const LOOK_EVERY = 20;

test('a server that was killed comes up again, although a dying service of it still listens for a while', async () => {
  await using server = await CyrusServer.start('slow-to-die');
  await server.crash();
  // The real ones may take their time as well.
  while (!(await canListen(server.syncPort))) await wait(LOOK_EVERY);
  const dying = createServer();
  dying.listen(server.syncPort, '127.0.0.1');
  await once(dying, 'listening');
  const started = server.start();
  await wait(STILL_LISTENING);
  dying.close();
  await started;
  assert.equal(server.isRunning, true);
});
