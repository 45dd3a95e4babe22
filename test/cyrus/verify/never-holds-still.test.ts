import assert from 'node:assert/strict';
import { chmod, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { startPair } from '../../lab/cyrus-server.ts';
import { runAs } from '../../lab/processes.ts';
import { ENTRY } from '../../lab/start-command.ts';
import { syncClientOk } from '../../lab/sync-client.ts';
import { openSides } from '../../lab/two-sides.ts';

/** Loaded before the command: each of its longer pauses lasts until whoever listens at PAUSES has closed the connection. */
const PAUSES_OF_OURS = `
  const { once } = require('node:events');
  const { connect } = require('node:net');
  const timers = require('node:timers/promises');
  const { setTimeout } = timers;
  timers.setTimeout = async (milliseconds, ...rest) => {
    if (milliseconds < 250) return await setTimeout(milliseconds, ...rest);
    await once(connect(process.env.PAUSES).resume(), 'close');
  };
`;

test('a user who is changed between all looks is changing, never different, and the exit code says that nobody could tell', async () => {
  await using pair = await startPair();
  await using sides = await openSides(pair);
  for (const user of ['anna', 'bert']) await sides.master.create(`user/${user}`, ['one']);
  await syncClientOk(pair.master, ['-A']);
  const { directory, configFile } = pair.master;
  const at = (name: string): string => join(directory, name);

  let changes = 0;
  const change = async (): Promise<void> => {
    changes += 1;
    await sides.master.append('user/anna', `change ${changes}`);
  };
  await change();
  const between = createServer((socket) => {
    change().then(
      () => socket.end(),
      (error) => socket.destroy(error),
    );
  });
  await new Promise<void>((resolve) => between.listen(at('pauses.sock'), resolve));
  try {
    await chmod(at('pauses.sock'), 0o666);
    await writeFile(at('pauses.cjs'), PAUSES_OF_OURS, { mode: 0o644 });
    const command = ENTRY.replace(/sync_client\.cjs$/, 'cyrus-sync.cjs');
    const run = await runAs(
      [
        ...[process.execPath, '--require', at('pauses.cjs'), command, 'verify', '-A', '-C', configFile],
        ...['--report', at('report.json')],
      ],
      { cwd: directory, env: { PAUSES: at('pauses.sock') } },
    );
    assert.equal(run.code, 3, run.stdout + run.stderr);
    assert.ok(changes > 2, `${changes} changes`);
    assert.match(
      run.stdout,
      /^1 of 2 users proven the same on both sides .*, 1 never held still\nchanging all the time, .*: anna$/m,
    );
    assert.doesNotMatch(run.stdout, /differ/);
    const { users } = JSON.parse(await readFile(at('report.json'), 'utf8')) as {
      users: { user: string; grade: string }[];
    };
    assert.deepEqual(users.map(({ user, grade }) => `${user} ${grade}`).sort(), [
      'anna changing',
      'bert identical',
    ]);
  } finally {
    between.close();
  }
});
