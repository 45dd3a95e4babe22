import assert from 'node:assert/strict';
import test from 'node:test';
import { runUser } from '../../../src/replicate/jobs/run-user.ts';
import { EngineScene, inPlaceOf } from '../../lab/engine-scene.ts';

test('a message that many users on one connection have is sent once', async () => {
  await using scene = await EngineScene.start();
  const users = Array.from({ length: 12 }, (_, index) => `user${index}`);
  const large = 'x'.repeat(1024 * 1024);
  for (const user of users) {
    scene.master.addUser(user, [], {
      messages: [`only ${user} has this`, large, 'and all have this', large],
    });
  }
  const context = await scene.context();
  const sent: string[] = [];
  const session = inPlaceOf(context.session, {
    applyMessages: (messages) => {
      sent.push(...messages.map(({ guid }) => guid));
      return context.session.applyMessages(messages);
    },
  });
  await Promise.all(users.map((user) => runUser({ ...context, session }, user)));
  assert.equal(sent.length, users.length + 2);
  assert.equal(new Set(sent).size, sent.length);
  scene.assertSame(...users);
});
