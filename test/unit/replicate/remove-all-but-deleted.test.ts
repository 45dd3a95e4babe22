import assert from 'node:assert/strict';
import test from 'node:test';
import { EngineScene } from '../../lab/engine-scene.ts';

const DELETED = 'DELETED.user.anna.Work.6B0B79F8';

/** A replica up to 3.4, whose UNUSER would take along what is in DELETED. */
async function withDeletedFolder(): Promise<EngineScene> {
  const scene = await EngineScene.start({ release: '3.2.6', offer: { sieveMailbox: false } });
  const { master } = scene;
  master.addUser('anna', ['Work']);
  master.subscribe('anna', 'user.anna.Work');
  master.read('anna', 'somewhere', '1:3');
  master.putScript('anna', 'one', 'keep;');
  await scene.runUser('anna');
  const { session } = await scene.context();
  const limits = { storage: 1000, messages: -1, annotationStorage: -1, folders: -1 };
  await session.applyQuota({ root: 'user.anna', ...limits }, 7);
  const names = { oldName: 'user.anna.Work', newName: DELETED };
  await session.applyRename({ ...names, partition: 'default', uidvalidity: 1, local: false });
  master.rename('user.anna.Work', DELETED);
  master.bury('user.anna');
  return scene;
}

test('who gets the name of a removed user has nothing of that user, while deleted mailboxes stay', async () => {
  await using scene = await withDeletedFolder();
  const before = scene.replica.inspect();
  assert.deepEqual([before.users.anna?.scripts.length, before.users.anna?.seen.length], [1, 1]);
  scene.takeCommands();
  const [result] = await scene.runActions([], { kind: 'unuser', userid: 'anna' });
  assert.deepEqual(result, { kind: 'done' });
  // The sandbox forgets what a user had with the INBOX, as not every server does.
  const commands = scene.takeCommands().map((command) => command.split(' ')[0]);
  assert.deepEqual(commands.sort(), [
    'SEEN',
    'UNACTIVATE_SIEVE',
    'UNMAILBOX',
    'UNQUOTA',
    'UNSIEVE',
    'UNSIEVE',
    'UNSUB',
  ]);
  const { mailboxes, users, quotas } = scene.replica.inspect();
  assert.deepEqual(Object.keys(mailboxes), [DELETED]);
  assert.deepEqual(quotas, []);
  assert.deepEqual(users.anna?.subscriptions ?? [], []);
  assert.deepEqual(users.anna?.scripts ?? [], []);
  assert.deepEqual(
    (users.anna?.seen ?? []).filter(({ seenuids }) => seenuids !== ''),
    [],
  );
});

test('a user whose INBOX went to DELETED with the rest leaves nothing else, though the log names mailboxes alone', async () => {
  await using scene = await EngineScene.start({ release: '3.2.6', offer: { sieveMailbox: false } });
  const { master } = scene;
  master.addUser('anna', ['Work']);
  master.subscribe('anna', 'user.anna.Work');
  master.putScript('anna', 'one', 'keep;');
  await scene.runUser('anna');
  const deleted = ['user.anna', 'user.anna.Work'].map((name) => ({ name, to: `DELETED.${name}.6B0B79F8` }));
  for (const { name, to } of deleted) master.rename(name, to);
  const names = deleted.flatMap(({ name, to }) => [name, to]);
  const [result] = await scene.runActions([], { kind: 'mailboxes', names });
  assert.deepEqual(result, { kind: 'done' });
  const { mailboxes, users } = scene.replica.inspect();
  assert.deepEqual(
    Object.keys(mailboxes),
    deleted.map(({ to }) => to),
  );
  assert.deepEqual(users.anna?.subscriptions ?? [], []);
  assert.deepEqual(users.anna?.scripts ?? [], []);
});

test('a user who had a quota and nothing else by the name leaves none, though the replica tells of it no more', async () => {
  await using scene = await EngineScene.start({ release: '3.2.6', offer: { sieveMailbox: false } });
  const { master } = scene;
  master.addUser('anna');
  master.quotas.set('user.anna', {
    ...{ root: 'user.anna', storage: 1000, messages: -1, annotationStorage: -1, folders: -1 },
    modseq: 1,
  });
  await scene.runUser('anna');
  const deleted = 'DELETED.user.anna.6B0B79F8';
  master.rename('user.anna', deleted);
  master.quotas.clear();
  await scene.runActions(['anna'], { kind: 'mailboxes', names: ['user.anna', deleted] });
  const { mailboxes, quotas } = scene.replica.inspect();
  assert.deepEqual({ names: Object.keys(mailboxes), quotas }, { names: [deleted], quotas: [] });
});

test('who gets the name of a user whose mailboxes another client has moved has nothing of that user', async () => {
  for (const subscribed of [true, false]) {
    await using scene = await EngineScene.start({ release: '3.2.6', offer: { sieveMailbox: false } });
    const { master } = scene;
    const deleted = 'DELETED.user.anna.6B0B79F8';
    master.addUser('anna');
    if (subscribed) master.subscribe('anna', 'user.anna');
    master.read('anna', 'somewhere', '1:3');
    await scene.runUser('anna');
    const { session } = await scene.context();
    const names = { oldName: 'user.anna', newName: deleted };
    await session.applyRename({ ...names, partition: 'default', uidvalidity: 1, local: false });
    await session.applySub('anna', 'user.anna');
    if (!subscribed) await session.applyUnsub('anna', 'user.anna');
    master.rename('user.anna', deleted);
    scene.takeCommands();
    // The log tells of it; whoever only looks at the user knows by what is there.
    if (subscribed) await scene.runUser('anna');
    else await scene.runActions(['anna'], { kind: 'mailboxes', names: ['user.anna', deleted] });
    const commands = scene.takeCommands().map((command) => command.split(' ')[0]);
    assert.ok(commands.includes('UNQUOTA'), commands.join(' '));
    assert.deepEqual(Object.keys(scene.replica.inspect().mailboxes), [deleted]);
    assert.deepEqual(scene.replica.inspect().users.anna?.subscriptions ?? [], []);
    assert.equal(await scene.runUser('anna'), 'absent', 'nothing of the name is left');
    assert.deepEqual(scene.takeCommands(), []);
  }
});

test('a user of whom nothing is in DELETED goes as a whole, and the quota with the rest', async () => {
  await using scene = await EngineScene.start({ release: '3.2.6', offer: { sieveMailbox: false } });
  const { master } = scene;
  master.addUser('anna', ['Work']);
  await scene.runUser('anna');
  for (const name of ['user.anna.Work', 'user.anna']) master.bury(name);
  scene.takeCommands();
  await scene.runActions([], { kind: 'unuser', userid: 'anna' });
  assert.deepEqual(scene.takeCommands(), ['UNUSER anna', 'UNQUOTA user.anna']);
});

test('whoever has got the name of a user who went to DELETED is brought over as somebody new', async () => {
  await using scene = await EngineScene.start({ release: '3.2.6', offer: { sieveMailbox: false } });
  const { master } = scene;
  const deleted = 'DELETED.user.anna.6B0B79F8';
  master.addUser('anna');
  master.read('anna', 'somewhere', '1:3');
  await scene.runUser('anna');
  master.rename('user.anna', deleted);
  master.forgetUser('anna');
  master.addUser('anna');
  master.subscribe('anna', 'user.anna');
  const [result] = await scene.runActions(['anna'], { kind: 'mailboxes', names: ['user.anna', deleted] });
  assert.deepEqual(result, { kind: 'done' });
  const { mailboxes, users } = scene.replica.inspect();
  assert.deepEqual(Object.keys(mailboxes).sort(), [deleted, 'user.anna']);
  assert.deepEqual(users.anna?.subscriptions, ['user.anna']);
  assert.deepEqual(
    (users.anna?.seen ?? []).filter(({ seenuids }) => seenuids !== ''),
    [],
  );
});
