import assert from 'node:assert/strict';
import test from 'node:test';
import type { MasterSession } from '../../../src/protocol/replica-session.ts';
import { SyncError } from '../../../src/report/sync-error.ts';
import { EngineScene, inPlaceOf } from '../../lab/engine-scene.ts';
import { replicateAll, storeServedBy } from '../../lab/store-served-by.ts';

test('a server that does not move the scripts that are files is not asked for the user as a whole', async () => {
  await using scene = await EngineScene.start();
  scene.master.addUser('anna', ['Sent']);
  await replicateAll(scene, scene.master);
  const asked: string[] = [];
  const refusing = (session: MasterSession): MasterSession =>
    inPlaceOf(session, {
      applyUnsieve: async () => {
        asked.push('UNSIEVE');
        throw new SyncError('IMAP_REMOTE_DENIED', 'the disk is full', { family: 'refused' });
      },
      getUser: async (userid) => {
        asked.push('USER');
        return await session.getUser(userid);
      },
    });
  const store = storeServedBy(scene, { mayWrite: true }, refusing);
  await store.refresh({ users: ['anna'] });
  assert.deepEqual(asked, ['UNSIEVE']);
  assert.deepEqual(
    store.mailboxesOf('anna').map(({ name }) => name),
    ['user.anna', 'user.anna.Sent'],
  );
  store.close();
});
