import assert from 'node:assert/strict';
import test from 'node:test';
import { SyncError } from '../../../src/report/sync-error.ts';
import { EngineScene } from '../../lab/engine-scene.ts';

/** As the store throws it that knows a path and no more. */
const damage = new SyncError('IO', '/spool/uuid/j/3/j3k/cyrus.index: cannot be read');

test('a user with damaged mailboxes fails by the name of the first, and the others are named with it', async () => {
  await using scene = await EngineScene.start();
  const { master } = scene;
  master.addUser('anna', ['Old', 'Sent', 'Work']);
  for (const folder of ['Old', 'Work']) master.damaged.set(`user.anna.${folder}`, damage);
  await assert.rejects(scene.runUser('anna'), (error) => {
    const { mailbox, alsoMailboxes = [] } = SyncError.from(error);
    assert.deepEqual([mailbox, ...alsoMailboxes].sort(), ['user.anna.Old', 'user.anna.Work']);
    return true;
  });
});

test('an action of a sync log that fails for its mailbox names it', async () => {
  await using scene = await EngineScene.start();
  const { master } = scene;
  master.addUser('anna', ['Sent']);
  await scene.runUser('anna');
  master.damaged.set('user.anna.Sent', damage);
  const [annotation, mailboxes] = await scene.runActions(
    ['anna'],
    { kind: 'annotation', name: 'user.anna.Sent' },
    { kind: 'mailboxes', names: ['user.anna.Sent'] },
  );
  for (const result of [annotation, mailboxes]) {
    assert.equal(result?.kind === 'failed' && result.error.mailbox, 'user.anna.Sent');
  }
});
