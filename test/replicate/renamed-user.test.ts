import assert from 'node:assert/strict';
import test from 'node:test';
import type { Action } from '../../src/replicate/action.ts';
import { EngineScene } from '../support/engine-scene.ts';

/**
 * What a renamed user has besides mail is kept under the INBOX's uniqueid, and the old name still leads to it. It is
 * protected twice: the old name is given another uniqueid right behind the renaming, and whoever may be the heir is sent
 * everything again behind an UNUSER. Either must be enough where the other cannot be.
 */

const unuser: Action = { kind: 'unuser', userid: 'anna' };

async function renamed(): Promise<EngineScene> {
  const scene = await EngineScene.start();
  const { master } = scene;
  master.addUser('anna', ['Work']);
  master.subscribe('anna', 'user.anna.Work');
  master.read('anna', 'somewhere', '1:3');
  await scene.runUser('anna');
  master.renameUser('anna', 'bob');
  return scene;
}

test('an UNUSER that comes long after the renaming, from whomever, takes nothing from the renamed user', async () => {
  await using scene = await renamed();
  await scene.runUser('bob');
  // The name was used and given up since: nothing here says any more who had it.
  scene.master.forget('user.anna');
  const { session } = await scene.context();
  await session.applyUnuser('anna');
  scene.assertSame('bob');
});

test('the heir is sent everything again where the replica does not let the old name be given up', async () => {
  await using scene = await renamed();
  await scene.runUser('bob');
  scene.replica.clearFaults();
  // As if the renaming had been cut off right behind its command: the old name still leads to the heir.
  const { session } = await scene.context();
  const uniqueid = scene.master.lookup('user.bob')?.uniqueid ?? '';
  await session.applyRename({
    oldName: 'user.bob',
    newName: 'user.anna',
    partition: 'default',
    uidvalidity: 1,
    local: false,
  });
  await session.applyRename({
    oldName: 'user.anna',
    newName: 'user.bob',
    partition: 'default',
    uidvalidity: 1,
    local: false,
  });
  assert.equal(scene.replica.inspect().mailboxes['user.bob']?.uniqueid, uniqueid);
  scene.takeCommands();
  scene.replica.inject({
    on: 'APPLY MAILBOX',
    mailbox: 'user.anna',
    do: 'no',
    text: 'IMAP_REMOTE_DENIED no',
  });
  await scene.runActions(['anna', 'bob'], unuser);
  assert.ok(scene.takeCommands().includes('UNUSER anna'));
  scene.assertSame('bob');
});

test('an heir that no tombstone names any more is sent everything again if the unit ties it', async () => {
  await using scene = await renamed();
  await scene.runUser('bob');
  const { session } = await scene.context();
  await session.applyRename({
    oldName: 'user.bob',
    newName: 'user.anna',
    partition: 'default',
    uidvalidity: 1,
    local: false,
  });
  await session.applyRename({
    oldName: 'user.anna',
    newName: 'user.bob',
    partition: 'default',
    uidvalidity: 1,
    local: false,
  });
  scene.master.put('user.anna', { uniqueid: 'of another one since', entry: { deleted: true } });
  scene.replica.inject({
    on: 'APPLY MAILBOX',
    mailbox: 'user.anna',
    do: 'no',
    text: 'IMAP_REMOTE_DENIED no',
  });
  await scene.runActions(['anna', 'bob'], unuser);
  scene.assertSame('bob');
});
