import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import type { RecordedCommand } from '../../../src/sandbox/options.ts';
import { type Sandbox, startSandbox } from '../../../src/sandbox/start-sandbox.ts';
import { changeRound } from '../../lab/change-round.ts';
import { PROGRAMS } from '../../lab/cyrus-programs.ts';
import { ADMIN, CyrusServer, PASSWORD } from '../../lab/cyrus-server.ts';
import { makeIntermediate } from '../../lab/make-intermediate.ts';
import { mailboxOf, type Population, populate } from '../../lab/populate.ts';
import { syncClient } from '../../lab/sync-client.ts';

/** One master, the C client into one sandbox and ours into another. Fails, never skips, where Cyrus is not installed. */

async function sandboxIn(directory: string, name: string): Promise<Sandbox> {
  return await startSandbox({
    directory: join(directory, name),
    listen: { host: '127.0.0.1', port: 0 },
    user: ADMIN,
    password: PASSWORD,
    // Both clients look at it: a newer one takes more.
    release: PROGRAMS.version,
    recordCommands: true,
  });
}

/** The last MAILBOX command of each mailbox. Ours sends one on an unknown partition empty first, to learn of it. */
function mailboxBodies(recorded: readonly RecordedCommand[]): Map<string, string> {
  const bodies = new Map<string, string>();
  for (const { command, text } of recorded) {
    const name = /MBOXNAME ("[^"]*"|\S+)/.exec(text)?.[1];
    if (command === 'APPLY MAILBOX' && name !== undefined) bodies.set(name, text);
  }
  return bodies;
}

async function fill(master: CyrusServer): Promise<Population> {
  const population = await populate(master, { users: 8 });
  await using imap = await master.imap();
  const [user = ''] = population.users;
  const folder = (...names: string[]): string => mailboxOf(master, user, names);
  await makeIntermediate(master, `user.${user}.gap`);
  await imap.ok(`CREATE "${folder('#calendars')}" (TYPE CALENDAR)`);
  await imap.ok(`CREATE "${folder('#calendars', 'Default')}" (TYPE CALENDAR)`);
  await imap.ok(`CREATE "${folder('#addressbooks')}" (TYPE ADDRESSBOOK)`);
  return population;
}

test('one store replicated by the C client and by this one: same contents, same MAILBOX commands octet for octet', async () => {
  await using master = await CyrusServer.start('master');
  const population = await fill(master);
  const directory = await mkdtemp(join(tmpdir(), 'same-as-c-'));
  try {
    await using byC = await sandboxIn(directory, 'c');
    await using byUs = await sandboxIn(directory, 'ours');
    const replicate = async (): Promise<void> => {
      for (const sandbox of [byC, byUs]) {
        if (!('port' in sandbox.address)) throw new Error('the sandbox listens on no port');
        sandbox.recorded.length = 0;
        master.configure('sync_host', sandbox.address.host);
        master.configure('sync_port', String(sandbox.address.port));
        master.configure('sync_authname', ADMIN);
        master.configure('sync_password', PASSWORD);
        master.configure('sync_try_imap', '0');
        await master.writeConfiguration();
        const run = sandbox === byC ? master.run('sync_client', ['-A']) : syncClient(master, ['-A']);
        const { code, stderr } = await run;
        assert.equal(code, 0, stderr.slice(-3000));
      }
      const [theirs, ours] = [mailboxBodies(byC.recorded), mailboxBodies(byUs.recorded)];
      assert.ok(theirs.size > 0);
      const inspected = byUs.inspect();
      const inspectedByC = byC.inspect();
      const gap = `user.${population.users[0]}.gap`;
      // No replica before 3.4 is sent rows that have no mailbox.
      if (PROGRAMS.isAtLeast(3, 4)) assert.match(inspected.mailboxes[gap]?.type ?? '', /i/);
      // The C client sends one that has nothing below it since 3.12, and then at each run.
      for (const bodies of [ours, theirs]) bodies.delete(gap);
      for (const { mailboxes } of [inspected, inspectedByC]) delete mailboxes[gap];
      assert.deepEqual([...ours.keys()].sort(), [...theirs.keys()].sort());
      for (const [name, text] of theirs) assert.equal(ours.get(name), text, name);
      assert.deepEqual(inspected, inspectedByC);
    };
    await replicate();
    const { mailboxes } = byC.inspect();
    const types = new Set(Object.values(mailboxes).map((mailbox) => mailbox.type));
    for (const type of ['c', 'a', ...(PROGRAMS.isAtLeast(3, 6) ? ['f'] : [])])
      assert.ok(types.has(type), `a mailbox of type ${type}: ${[...types]}`);
    await changeRound(master, population);
    await replicate();
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
});
