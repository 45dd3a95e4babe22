import assert from 'node:assert/strict';
import test from 'node:test';
import type { OnUnusable, ReplicaMailbox } from '../../../src/protocol/replica-session.ts';
import { SyncError } from '../../../src/report/sync-error.ts';
import { EngineScene, inPlaceOf } from '../../lab/engine-scene.ts';

/** A replica with one mailbox of which it says what cannot be used. */
async function withUnusable(name: string): Promise<EngineScene> {
  const scene = await EngineScene.start();
  scene.master.addUser('anna', ['Sent', 'Work']);
  scene.master.put('shared.one');
  scene.master.put('shared.two');
  await scene.runUser('anna');
  await scene.runMailboxes('shared.one', 'shared.two');
  scene.takeCommands();
  const without = (mailboxes: ReplicaMailbox[], onUnusable: OnUnusable | undefined): ReplicaMailbox[] => {
    if (mailboxes.some((mailbox) => mailbox.name === name)) {
      assert.ok(onUnusable, 'one mailbox would fail all');
      onUnusable(name, new SyncError('IMAP_PROTOCOL_ERROR', 'expected RECENTTIME', { family: 'refused' }));
    }
    return mailboxes.filter((mailbox) => mailbox.name !== name);
  };
  scene.through = (session) =>
    inPlaceOf(session, {
      getUser: async (userid, onUnusable) => {
        const answer = await session.getUser(userid);
        return { ...answer, mailboxes: without(answer.mailboxes, onUnusable) };
      },
      getMailboxes: async (names, onUnusable) => without(await session.getMailboxes(names), onUnusable),
    });
  return scene;
}

const names = (error: unknown, mailbox: string): boolean =>
  error instanceof SyncError && error.code === 'IMAP_PROTOCOL_ERROR' && error.mailbox === mailbox;

test('a folder of which the replica says what cannot be used fails alone: the rest of the user is replicated', async () => {
  await using scene = await withUnusable('user.anna.Work');
  scene.master.append('user.anna.Sent', 'new in Sent');
  scene.master.append('user.anna.Work', 'new in Work');
  scene.master.subscribe('anna', 'user.anna.Sent');
  await assert.rejects(scene.runUser('anna'), (error) => names(error, 'user.anna.Work'));
  const there = scene.replica.inspect();
  assert.equal(there.mailboxes['user.anna.Sent']?.records.length, 2);
  assert.equal(there.mailboxes['user.anna.Work']?.records.length, 1, 'not taken for a new one');
  assert.deepEqual(there.users.anna?.subscriptions, ['user.anna.Sent']);
});

test('renames beside it are settled in the same run', async () => {
  await using scene = await withUnusable('user.anna.Work');
  scene.master.rename('user.anna.Sent', 'user.anna.Gone');
  scene.master.append('user.anna.Gone', 'after the rename');
  await assert.rejects(scene.runUser('anna'), (error) => names(error, 'user.anna.Work'));
  assert.equal(scene.replica.inspect().mailboxes['user.anna.Gone']?.records.length, 2);
});

test('of shared mailboxes in one job too', async () => {
  await using scene = await withUnusable('shared.one');
  scene.master.append('shared.one', 'x');
  scene.master.append('shared.two', 'y');
  await assert.rejects(scene.runMailboxes('shared.one', 'shared.two'), (error) => names(error, 'shared.one'));
  assert.equal(scene.replica.inspect().mailboxes['shared.two']?.records.length, 1);
});
