import assert from 'node:assert/strict';
import test from 'node:test';
import { EngineScene } from '../../lab/engine-scene.ts';

test('the engine brings the sandbox to the state of a master in memory, and then finds nothing to do', async () => {
  await using scene = await EngineScene.start();
  const { master } = scene;
  master.addUser('anna', ['Sent', 'Sent.Old']);
  master.subscribe('anna', 'user.anna.Sent', 'shared.news');
  master.read('anna', 'somewhere', '1:3');
  assert.equal(await scene.runUser('anna'), 'synced');
  scene.assertSame('anna');
  scene.takeCommands();
  await scene.runUser('anna');
  assert.deepEqual(scene.takeCommands(), []);
});

test('what changes on the master in memory is brought over: a message, a rename, a deletion', async () => {
  await using scene = await EngineScene.start();
  const { master } = scene;
  master.addUser('anna', ['Sent', 'Gone']);
  await scene.runUser('anna');
  master.append('user.anna', 'another');
  master.rename('user.anna.Sent', 'user.anna.Kept');
  master.bury('user.anna.Gone');
  await scene.runUser('anna');
  scene.assertSame('anna');
});
