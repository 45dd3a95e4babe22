import assert from 'node:assert/strict';
import test from 'node:test';
import type { ReplicaUser } from '../../../src/protocol/replica-session.ts';
import { userThere } from '../../../src/replicate/jobs/user-there.ts';
import { nameInText } from '../../../src/report/name-in-text.ts';
import { SyncError } from '../../../src/report/sync-error.ts';
import { EngineScene, inPlaceOf } from '../../lab/engine-scene.ts';

/** Anna and bob on both ends, and a replica that adds to what it has of anna. */
async function lying(change: (anna: ReplicaUser) => void): Promise<EngineScene> {
  const scene = await EngineScene.start();
  for (const userid of ['anna', 'bob']) {
    scene.master.addUser(userid, ['Work']);
    await scene.runUser(userid);
  }
  scene.takeCommands();
  scene.options = { ...scene.options, noCopyback: true };
  scene.through = (session) =>
    inPlaceOf(session, {
      getUser: async (userid) => {
        const answer = await session.getUser(userid);
        if (userid === 'anna') change(answer);
        return answer;
      },
    });
  return scene;
}

const others = [
  'user.bob',
  'user.bob.Work',
  'DELETED.user.bob.Work.6B04D978',
  'shared',
  'user.annabel',
  'user',
];

for (const name of others) {
  test(`${name} among anna's mailboxes on the replica is named, and nothing is removed`, async () => {
    await using scene = await lying(({ mailboxes }) => {
      const [inbox] = mailboxes;
      assert.ok(inbox);
      mailboxes.push({ ...inbox, name, uniqueid: 'unknown' });
    });
    await assert.rejects(scene.runUser('anna'), (error) => {
      assert.ok(error instanceof SyncError && error.code === 'IMAP_PROTOCOL_ERROR');
      assert.ok(error.message.includes(`"${nameInText(name)}"`));
      return true;
    });
    assert.deepEqual(scene.takeCommands(), []);
  });
}

test('a quota root of nobody among those of anna is named, and nothing is removed', async () => {
  await using scene = await lying(({ quotas }) => {
    quotas.push({ root: 'user.bob', storage: 1, messages: -1, annotationStorage: -1, folders: -1 });
  });
  await assert.rejects(scene.runUser('anna'), new RegExp(`"${nameInText('user.bob')}"`));
  assert.deepEqual(scene.takeCommands(), []);
});

test("anna's own deleted folders are hers", async () => {
  await using scene = await lying(({ mailboxes }) => {
    const [inbox] = mailboxes;
    assert.ok(inbox);
    mailboxes.push({ ...inbox, name: 'DELETED.user.anna.Old.6B04D978', uniqueid: 'unknown' });
  });
  scene.options = { ...scene.options, noCopyback: false };
  await scene.runUser('anna');
});

test('a mailbox whose line cannot be used fails the whole answer, unless somebody wants to be told', async () => {
  await using scene = await lying(() => {});
  const { store, session } = await scene.context();
  const error = new SyncError('IMAP_PROTOCOL_ERROR', 'LAST_UID is no number');
  let unusable = 'user.anna.Work';
  const spoilt = inPlaceOf(session, {
    getUser: async (userid, onUnusable) => {
      const answer = await session.getUser(userid);
      if (!onUnusable) throw error;
      onUnusable(unusable, error);
      return answer;
    },
  });
  const told: string[] = [];
  const note = (name: string): void => void told.push(name);
  await assert.rejects(userThere({ store, session: spoilt }, 'anna'), error);
  assert.equal((await userThere({ store, session: spoilt }, 'anna', note)).mailboxes.length, 2);
  assert.deepEqual(told, ['user.anna.Work']);
  unusable = 'user.bob';
  await assert.rejects(
    userThere({ store, session: spoilt }, 'anna', note),
    new RegExp(`"${nameInText('user.bob')}"`),
  );
  assert.deepEqual(told, ['user.anna.Work'], "nothing of another user's is taken for hers");
});
