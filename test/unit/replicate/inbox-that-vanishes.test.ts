import assert from 'node:assert/strict';
import test from 'node:test';
import { EngineScene, inPlaceOf } from '../../lab/engine-scene.ts';

/*
 * A user's INBOX is sent, and is not there when the replica is asked for it: another client has removed the user in between.
 * Nothing has failed, and without an INBOX nothing else of the user was sent.
 */

/** A user whom somebody removes from the replica so many times, each right behind the folders. */
async function removedBehindFolders(times: number): Promise<EngineScene> {
  const scene = await EngineScene.start();
  scene.master.addUser('anna', ['Work']);
  scene.master.subscribe('anna', 'user.anna.Work');
  scene.master.read('anna', 'somewhere', '1:3');
  let left = times;
  scene.through = (session) =>
    inPlaceOf(session, {
      getMailboxes: async (names) => {
        if (names.includes('user.anna') && left-- > 0) await session.applyUnuser('anna');
        return await session.getMailboxes(names);
      },
    });
  return scene;
}

test('a user whose INBOX has not arrived, though nothing failed, is sent again before it counts as sent', async () => {
  await using scene = await removedBehindFolders(1);
  assert.equal(await scene.runUser('anna'), 'synced');
  scene.assertSame('anna');
});

test('a user whose INBOX does not arrive however often it is sent is not taken as sent', async () => {
  await using scene = await removedBehindFolders(Number.POSITIVE_INFINITY);
  await assert.rejects(scene.runUser('anna'), { code: 'IMAP_SYNC_CHANGED', user: 'anna', retryable: true });
  const sent = scene.takeCommands().map((command) => command.split(' ')[0]);
  assert.equal(sent.filter((verb) => verb === 'UNUSER').length, 3);
  assert.ok(
    !sent.includes('SUB') && !sent.includes('SEEN'),
    'what belongs to no INBOX is out of reach for ever',
  );
});
