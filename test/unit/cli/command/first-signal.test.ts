import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { startSandbox } from '../../../../src/sandbox/start-sandbox.ts';
import { LAUNCHER, startCommand } from '../../../lab/start-command.ts';
import { unpackFixture } from '../../../lab/unpack-fixture.ts';

/** Milliseconds that the replica takes for one command, so that the signal comes in the middle of a user. */
const SLOW_COMMAND_MS = 400;

for (const signal of ['SIGTERM', 'SIGINT', 'SIGQUIT'] as const) {
  test(`the first ${signal} lets the user finish who is under way, begins no other, and is exit code 75`, async () => {
    const directory = await mkdtemp(join(tmpdir(), 'first-signal-'));
    await using sandbox = await startSandbox({
      directory: join(directory, 'replica'),
      listen: { host: '127.0.0.1', port: 0 },
      password: 'secret',
      recordCommands: true,
    });
    await using fixture = await unpackFixture({
      sync_host: sandbox.server,
      sync_authname: 'replication',
      sync_password: 'secret',
    });
    const settings = join(directory, 'settings.ini');
    await writeFile(settings, 'look_ahead = 1\nworkers = 1\n');
    const command = [LAUNCHER, '-C', fixture.configFile, '--settings', settings, '-v'];
    const slow = { on: 'APPLY MAILBOX', do: 'delay', milliseconds: SLOW_COMMAND_MS } as const;
    const struck = sandbox.inject(slow);
    const run = startCommand([...command, '-A']);
    await run.until(() => struck() > 0);
    run.child.kill(signal);
    assert.equal(await run.end, 75, run.stderr());
    const { users } = sandbox.counts();
    assert.ok(users > 0 && users < 26, `${users} users were begun`);
    // Whoever was begun was finished: there is nothing left to send for them.
    const begun = Object.keys(sandbox.inspect().users);
    const sent = sandbox.recorded.length;
    const again = startCommand([...command, '-u', ...begun]);
    assert.equal(await again.end, 0, again.stderr());
    const changes = sandbox.recorded.slice(sent).map(({ command: name }) => name);
    assert.deepEqual(
      changes.filter((name) => name !== 'APPLY CAPABILITIES'),
      [],
    );
    await rm(directory, { recursive: true, force: true });
  });
}
