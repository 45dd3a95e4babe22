import assert from 'node:assert/strict';
import test from 'node:test';
import { EngineScene } from '../../lab/engine-scene.ts';

/** Mailboxes that were told of as sent, in order. */
function told({ events }: EngineScene): string[] {
  return events.flatMap((event) => (event.kind === 'command:mailbox' ? [event.name] : []));
}

test('a mailbox is told of once, however many steps it takes, and only if something of it is sent', async () => {
  await using scene = await EngineScene.start();
  scene.options = { ...scene.options, batchSize: 2 };
  scene.master.addUser('anna', ['Sent', 'Drafts']);
  for (let count = 0; count < 7; count += 1) scene.master.append('user.anna.Sent', `message ${count}`);
  await scene.runUser('anna');
  assert.deepEqual(told(scene).sort(), ['user.anna', 'user.anna.Drafts', 'user.anna.Sent']);
  scene.events.length = 0;
  await scene.runUser('anna');
  assert.deepEqual(told(scene), []);
  scene.master.append('user.anna.Sent', 'one more');
  await scene.runUser('anna');
  assert.deepEqual(told(scene), ['user.anna.Sent']);
});

test('names are asked for anew before a user is looked at, and for that user alone', async () => {
  await using scene = await EngineScene.start();
  scene.master.addUser('anna');
  const asked: unknown[] = [];
  scene.master.refresh = async (of?: unknown) => void asked.push(of);
  await scene.runUser('anna');
  assert.deepEqual(asked, [{ users: ['anna'] }]);
});
