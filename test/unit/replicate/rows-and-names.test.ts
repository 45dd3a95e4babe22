import assert from 'node:assert/strict';
import test from 'node:test';
import { runUser } from '../../../src/replicate/jobs/run-user.ts';
import { EngineScene } from '../../lab/engine-scene.ts';

/** Anna, with a row without storage between the INBOX and a folder. */
async function withGap(): Promise<EngineScene> {
  const scene = await EngineScene.start();
  scene.master.addUser('anna');
  scene.master.put('user.anna.gap', { entry: { intermediate: true, type: 'i', partition: undefined } });
  scene.master.put('user.anna.gap.folder');
  await scene.runUser('anna');
  return scene;
}

const names = (commands: readonly string[]): string[] =>
  commands.map((text) => `${text.split(' ')[0]} ${/MBOXNAME ([^ )]+)/.exec(text)?.[1] ?? text}`);

test('a row without storage is sent once, and again when its folder modseq or type is another', async () => {
  await using scene = await withGap();
  assert.ok(names(scene.takeCommands()).includes('MAILBOX user.anna.gap'));
  await scene.runUser('anna');
  assert.deepEqual(scene.takeCommands(), []);
  scene.master.put('user.anna.gap', {
    uniqueid: scene.master.lookup('user.anna.gap')?.uniqueid,
    entry: { intermediate: true, type: 'i', partition: undefined, foldermodseq: 77 },
  } as never);
  await scene.runUser('anna');
  const [row, ...more] = scene.takeCommands();
  assert.match(row ?? '', /^MAILBOX %\(UNIQUEID \S+ MBOXNAME user\.anna\.gap .*FOLDERMODSEQ 77\)$/);
  assert.deepEqual(more, []);
  await scene.runUser('anna');
  assert.deepEqual(scene.takeCommands(), []);
});

test('a replica that refuses the row fails the user with its name, and the folder is brought over all the same', async () => {
  await using scene = await EngineScene.start();
  scene.master.addUser('anna');
  scene.master.put('user.anna.gap', { entry: { intermediate: true, type: 'i', partition: undefined } });
  scene.master.put('user.anna.gap.folder');
  scene.replica.inject({ on: 'APPLY MAILBOX', mailbox: 'user.anna.gap', do: 'no' });
  await assert.rejects(scene.runUser('anna'), { mailbox: 'user.anna.gap' });
  assert.ok(scene.replica.mailboxes().has('user.anna.gap.folder'));
});

test('each command that changes names there is told of, with where it leads', async () => {
  await using scene = await EngineScene.start();
  scene.options = { ...scene.options, local: true };
  scene.master.addUser('anna', ['a', 'b']);
  await scene.runUser('anna');
  scene.events.length = 0;
  scene.master.rename('user.anna.a', 'user.anna.c');
  scene.master.bury('user.anna.b');
  await scene.runUser('anna');
  const told = scene.events.flatMap((event) => {
    if (event.kind === 'command:rename') return [[event.oldName, event.newName, event.local]];
    if (event.kind === 'command:unmailbox') return [[event.name, event.local]];
    return [];
  });
  assert.deepEqual(told.sort(), [
    ['user.anna.a', 'user.anna.c', true],
    ['user.anna.b', true],
  ]);
});

test('mailboxes that only the replica has are told of, those in DELETED as such', async () => {
  await using scene = await EngineScene.start();
  const deleted = 'DELETED.user.anna.b.5F5E1000';
  scene.master.addUser('anna', ['a']);
  scene.master.put(deleted);
  await scene.runUser('anna');
  for (const name of ['user.anna.a', deleted]) scene.master.forget(name);
  scene.events.length = 0;
  await scene.runUser('anna');
  const told = scene.events.flatMap((event) =>
    event.kind === 'mailbox:replica-only' ? [[event.name, event.inDeleted]] : [],
  );
  assert.deepEqual(told.sort(), [
    [deleted, true],
    ['user.anna.a', false],
  ]);
  assert.ok(scene.replica.mailboxes().has('user.anna.a'));
});

test('before anything is sent it is told how many mailboxes that is, and how many messages of those that are new', async () => {
  await using scene = await EngineScene.start();
  const { master } = scene;
  master.addUser('anna', ['a']);
  await scene.runUser('anna');
  master.append('user.anna', 'more');
  master.put('user.anna.b', { messages: ['1', '2', '3'] });
  master.put('user.anna.gap', { entry: { intermediate: true, type: 'i', partition: undefined } });
  master.put('user.anna.gap.c', { messages: ['4'] });
  scene.takeCommands();
  const told: number[][] = [];
  const context = await scene.context({
    beforeSending: async (commands) => {
      assert.deepEqual(scene.takeCommands(), []);
      told.push([...commands]);
    },
  });
  await runUser(context, 'anna');
  assert.deepEqual(told, [[4, 3, 1]]);
  scene.assertSame('anna');
});
