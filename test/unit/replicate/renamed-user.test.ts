import assert from 'node:assert/strict';
import test from 'node:test';
import type { Action } from '../../../src/replicate/jobs/action.ts';
import { EngineScene } from '../../lab/engine-scene.ts';

/**
 * Data of a renamed user besides mail is kept under the INBOX's uniqueid, and the old name still leads to it. It is
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

/** As if the renaming had been cut off right behind its command: on the replica the old name still leads to the heir. */
async function cutOff(scene: EngineScene): Promise<void> {
  await scene.runUser('bob');
  const { session } = await scene.context();
  for (const [oldName, newName] of [
    ['user.bob', 'user.anna'],
    ['user.anna', 'user.bob'],
  ] as const) {
    await session.applyRename({ oldName, newName, partition: 'default', uidvalidity: 1, local: false });
  }
}

function refuseToGiveUp(scene: EngineScene): void {
  scene.replica.inject({
    on: 'APPLY MAILBOX',
    mailbox: 'user.anna',
    do: 'no',
    text: 'IMAP_REMOTE_DENIED no',
  });
}

test('the old name is given up before the UNUSER: a run that is cut off behind it has taken nothing', async () => {
  await using scene = await renamed();
  await cutOff(scene);
  const struck = scene.replica.inject({ on: 'APPLY UNUSER', do: 'cut-after' });
  await scene.runActions(['anna'], unuser);
  assert.equal(struck(), 1);
  scene.assertSame('bob');
});

test('the old name is given up before the UNUSER where the unit alone says that somebody may have it', async () => {
  await using scene = await renamed();
  await cutOff(scene);
  scene.master.put('user.anna', { uniqueid: 'another', entry: { deleted: true } });
  // A list up to 3.4 does not tell what a mailbox was called before.
  scene.master.livingOnceCalled = async () => [];
  scene.replica.inject({ on: 'APPLY UNUSER', do: 'cut-after' });
  await scene.runActions(['anna', 'bob'], unuser);
  scene.assertSame('bob');
});

test('the heir that the tombstone names is sent everything again where the old name cannot be given up', async () => {
  await using scene = await renamed();
  await cutOff(scene);
  refuseToGiveUp(scene);
  scene.takeCommands();
  await scene.runActions(['anna'], unuser);
  assert.ok(scene.takeCommands().includes('UNUSER anna'));
  scene.assertSame('bob');
});

test('an heir that no tombstone names any more is sent everything again if the unit ties it', async () => {
  await using scene = await renamed();
  await cutOff(scene);
  refuseToGiveUp(scene);
  scene.master.put('user.anna', { uniqueid: 'another', entry: { deleted: true } });
  await scene.runActions(['anna', 'bob'], unuser);
  scene.assertSame('bob');
});

test('a renamed user who is at work elsewhere is waited for, and so is the removal of the old name', async () => {
  await using scene = await renamed();
  scene.master.locked.add('bob');
  const [result] = await scene.runActions(['anna'], unuser);
  assert.deepEqual(result, { kind: 'locked', user: 'bob' });
  assert.ok(scene.replica.inspect().mailboxes['user.anna']);
});

test('an heir whom the replica has not got yet holds up nothing', async () => {
  await using scene = await EngineScene.start();
  scene.master.addUser('anna');
  scene.master.renameUser('anna', 'bob');
  assert.deepEqual(await scene.runActions(['anna'], unuser), [{ kind: 'done' }]);
  assert.deepEqual(await scene.runActions(['anna', 'bob'], unuser), [{ kind: 'done' }]);
});

test('a user who was renamed and deleted before either reached the replica is followed there, and the old name is free', async () => {
  await using scene = await renamed();
  const { master } = scene;
  for (const name of [...master.names('user.bob')]) master.rename(name, `DELETED.${name}.6000000A`);
  master.forgetUser('bob');
  await scene.runUser('bob');
  const there = (): string[] => Object.keys(scene.replica.inspect().mailboxes).sort();
  const deleted = ['DELETED.user.bob.6000000A', 'DELETED.user.bob.Work.6000000A'];
  assert.deepEqual(there(), deleted);
  assert.deepEqual(await scene.runActions(['anna'], unuser), [{ kind: 'done' }]);
  assert.deepEqual(there(), deleted);
});
