import assert from 'node:assert/strict';
import { test } from 'node:test';
import { INSTALLED_PROGRAMS, PROGRAMS } from '../../lab/cyrus-programs.ts';
import { type CyrusServer, startPair } from '../../lab/cyrus-server.ts';
import { openStranger } from '../../lab/open-stranger.ts';
import { SieveClient, type SieveScript } from '../../lab/sieve-client.ts';
import { syncClient, syncClientOk } from '../../lab/sync-client.ts';
import { BASE, openSides, type Side } from '../../lab/two-sides.ts';

for (const [where, versions] of Object.entries({
  'a replica of the installed version': { replica: { programs: INSTALLED_PROGRAMS } },
  'a replica of a master of the installed version': { master: { programs: INSTALLED_PROGRAMS } },
})) {
  test(`a user who was renamed, and has a script and a new folder, is renamed on ${where} by the next run`, async () => {
    await using pair = await startPair({
      both: { imapd: { conversations: 'yes', allowusermoves: 'yes' } },
      ...versions,
    });
    await using sides = await openSides(pair);
    for (const folder of ['', '/Work', '/Work/Draft']) await sides.master.create(`user/anna${folder}`, BASE);
    // The replica never hears of the name that it had.
    await sides.master.imap.ok('RENAME user/anna/Work/Draft user/anna/Work/Deep');
    {
      await using sieve = await SieveClient.login(pair.master, 'anna');
      await sieve.put('first', 'keep;\r\n');
      await sieve.activate('first');
    }
    await syncClientOk(pair.master, ['-A']);
    await sides.master.imap.ok('RENAME user/anna user/berta');
    await sides.master.create('user/berta/New', BASE);
    {
      await using sieve = await SieveClient.login(pair.master, 'berta');
      await sieve.put('second', 'discard;\r\n');
    }
    await syncClientOk(pair.master, ['-A']);
    for (const folder of ['', '/Work', '/Work/Deep', '/New']) {
      const name = `user/berta${folder}`;
      assert.deepEqual(await sides.replica.messages(name), await sides.master.messages(name), name);
    }
    const listed = await sides.replica.imap.ok('LIST "" user/anna*');
    assert.deepEqual(listed, []);
    const [here, there] = [await scriptsOf(pair.master), await scriptsOf(pair.replica)];
    assert.deepEqual(there, here);
    assert.ok(there.some(({ name }) => name === 'second'));
  });
}

async function scriptsOf(server: CyrusServer): Promise<SieveScript[]> {
  await using sieve = await SieveClient.login(server, 'berta');
  return await sieve.scripts();
}

test("folders that went to another user stay on the replica until it is that user's turn", async () => {
  const imapd = { conversations: 'yes', allowusermoves: 'yes' };
  await using pair = await startPair({ both: { imapd } });
  await using sides = await openSides(pair);
  for (const folder of ['mover', 'mover/A', 'mover/B', 'taker'])
    await sides.master.create(`user/${folder}`, BASE);
  for (const folder of ['old', 'old/A']) await sides.master.create(`user/${folder}`, BASE);
  await syncClientOk(pair.master, ['-A']);
  await sides.master.imap.ok('RENAME user/mover/A user/taker/FromMover');
  await sides.master.imap.ok('RENAME user/mover/B user/taker/OfB');
  await sides.master.create('user/mover/B', ['new B']);
  await sides.master.imap.ok('RENAME user/old user/new');
  const before = await sides.replica.messages('user/mover/A');
  // Neither whoever had them, with -O or without, nor the name that a user had before takes anything away.
  await syncClient(pair.master, ['-u', 'mover', 'old']);
  await syncClient(pair.master, ['-O', '-u', 'mover', 'old']);
  for (const name of ['mover/A', 'mover/B', 'old', 'old/A']) {
    assert.deepEqual(await sides.replica.messages(`user/${name}`), before, name);
  }
  await syncClientOk(pair.master, ['-u', 'taker', 'new']);
  await syncClientOk(pair.master, ['-u', 'mover']);
  for (const name of ['mover', 'mover/B', 'taker', 'taker/FromMover', 'taker/OfB', 'new', 'new/A']) {
    const messages = await sides.master.messages(`user/${name}`);
    assert.deepEqual(await sides.replica.messages(`user/${name}`), messages, name);
  }
  assert.deepEqual(await sides.replica.imap.ok('LIST "" user/mover/A'), []);
  assert.deepEqual(await sides.replica.imap.ok('LIST "" user/old'), []);
});

test('a new user has a name whose former user was renamed and then deleted', async () => {
  const imapd = { allowusermoves: 'yes' };
  await using pair = await startPair({ both: { imapd } });
  await using sides = await openSides(pair);
  await using stranger = await openStranger(pair.master, pair.replica);
  const runs: Record<string, () => Promise<unknown>> = { read: () => syncClientOk(pair.master, ['-A']) };
  // A server of 3.2 cannot be asked where a mailbox is by now: it would end at a uniqueid that it has not.
  if (PROGRAMS.isAtLeast(3, 6)) runs.asked = () => stranger.runOk(['-A']);
  for (const [name, run] of Object.entries(runs)) {
    const [inbox, folder] = [`user/${name}`, `user/${name}/Reports`];
    for (const mailbox of [inbox, folder]) await sides.master.create(mailbox, BASE);
    await run();
    await sides.master.imap.ok(`RENAME ${inbox} user/moved${name}`);
    for (const mailbox of [inbox, folder]) await sides.master.create(mailbox, ['new']);
    await sides.master.imap.ok(`DELETE user/moved${name}`);
    await run();
    for (const mailbox of [inbox, folder]) {
      assert.deepEqual(await sides.replica.messages(mailbox), await sides.master.messages(mailbox), mailbox);
    }
    const deleted = `DELETED/user/moved${name}`;
    assert.deepEqual(await namesBelow(sides.replica, deleted), await namesBelow(sides.master, deleted));
  }
});

async function namesBelow({ imap }: Side, name: string): Promise<string[]> {
  return (await imap.ok(`LIST "" ${name}/*`)).map(([, , , found]) => String(found)).sort();
}
