import assert from 'node:assert/strict';
import test from 'node:test';
import { EngineScene, inPlaceOf } from '../../lab/engine-scene.ts';

test('of many mailboxes that have diverged, only as many are in memory at once as there is room for', async () => {
  await using scene = await EngineScene.start();
  const folders = Array.from({ length: 150 }, (_, i) => `F${i}`);
  scene.master.addUser('anna', folders);
  await scene.runUser('anna');
  let [reading, most, asked] = [0, 0, 0];
  scene.through = (session) =>
    inPlaceOf(session, {
      getUser: async (userid) => {
        const answer = await session.getUser(userid);
        // Ahead of the master, so that only all records can tell.
        for (const mailbox of answer.mailboxes) mailbox.highestmodseq += 1000;
        return answer;
      },
      getFullMailbox: async (name, onRecord) => {
        asked++;
        most = Math.max(most, ++reading);
        try {
          return await session.getFullMailbox(name, onRecord);
        } finally {
          reading--;
        }
      },
    });
  await scene.runUser('anna').catch(() => undefined);
  assert.ok(asked > folders.length, `${asked} asked for`);
  assert.ok(most <= 64, `${most} at once`);
});
