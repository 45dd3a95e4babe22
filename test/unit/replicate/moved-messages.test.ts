import assert from 'node:assert/strict';
import test from 'node:test';
import { EngineScene } from '../../lab/engine-scene.ts';

/** Together they are worth asking for. */
const LARGE = ['one', 'two', 'three'].map((word) => `${word} `.repeat(10_000));

/** Over a connection of its own, whose stage is empty. @returns octets of messages that were sent */
async function octetsOf(scene: EngineScene): Promise<number> {
  scene.events.length = 0;
  await scene.runUser('anna');
  return scene.events.reduce((sum, event) => sum + (event.kind === 'user:progress' ? event.octets : 0), 0);
}

test('messages that were moved to another folder are linked on the replica, all of them, and what is new is sent', async () => {
  await using scene = await EngineScene.start();
  const { master } = scene;
  master.addUser('anna', ['Archive'], { messages: LARGE });
  await scene.runUser('anna');
  for (const [number, text] of LARGE.entries()) {
    master.expunge('user.anna', number + 1);
    master.append('user.anna.Archive', text);
  }
  master.append('user.anna.Archive', 'news');
  assert.equal(await octetsOf(scene), 'news'.length);
  scene.assertSame('anna');
});

test('a folder that is new has linked what the only mailbox of the user there holds', async () => {
  await using scene = await EngineScene.start();
  const { master } = scene;
  master.addUser('anna', [], { messages: LARGE });
  await scene.runUser('anna');
  master.put('user.anna.Archive', { messages: [...LARGE, 'news'] });
  assert.equal(await octetsOf(scene), 'news'.length);
  scene.assertSame('anna');
});

test('a replica that has nothing of a user is not asked what it holds', async () => {
  await using scene = await EngineScene.start();
  scene.master.addUser('anna', ['Archive'], { messages: LARGE });
  await scene.runUser('anna');
  const verbs = scene.takeCommands().map((command) => command.split(' ')[0]);
  assert.ok(!verbs.includes('RESERVE'), verbs.join(' '));
});
