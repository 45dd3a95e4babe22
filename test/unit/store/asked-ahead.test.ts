import assert from 'node:assert/strict';
import test from 'node:test';
import type { MasterSession } from '../../../src/protocol/replica-session.ts';
import { EngineScene, inPlaceOf } from '../../lab/engine-scene.ts';
import { replicateAll, storeServedBy } from '../../lab/store-served-by.ts';

const FOLDERS = Array.from({ length: 40 }, (_, i) => `Folder${i}`);

test('mailboxes that have changed are asked for ahead of their turn, each once, and not without bound', async () => {
  await using first = await EngineScene.start();
  await using second = await EngineScene.start();
  first.master.addUser('anna', FOLDERS);
  await replicateAll(first, first.master);
  await replicateAll(second, first.master);
  for (const folder of FOLDERS) first.master.append(`user.anna.${folder}`, `new in ${folder}`);
  await replicateAll(first, first.master);

  const asked: string[] = [];
  let under = 0;
  let most = 0;
  const count = (session: MasterSession): MasterSession =>
    inPlaceOf(session, {
      getFullMailbox: async (name, onRecord) => {
        asked.push(name);
        most = Math.max(most, ++under);
        try {
          return await session.getFullMailbox(name, onRecord);
        } finally {
          under -= 1;
        }
      },
    });
  const store = storeServedBy(first, {}, count);
  await replicateAll(second, store);
  store.close();
  assert.deepEqual(asked.sort(), FOLDERS.map((folder) => `user.anna.${folder}`).sort());
  assert.ok(most > 4 && most <= 16, `${most} at a time`);
  assert.deepEqual(
    second.replica.inspect().mailboxes['user.anna.Folder7']?.records.map(({ guid }) => guid),
    first.master.guids('user.anna.Folder7'),
  );
});
