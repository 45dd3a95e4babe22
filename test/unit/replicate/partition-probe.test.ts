import assert from 'node:assert/strict';
import test from 'node:test';
import { runUser } from '../../../src/replicate/jobs/run-user.ts';
import { EngineScene } from '../../lab/engine-scene.ts';

/* The sandbox dies of a message for a partition that it lacks, as a real server does. */

test('nothing is uploaded for a partition before a mailbox was made there', async () => {
  await using scene = await EngineScene.start({ partitions: ['default'] });
  const { master } = scene;
  for (const user of ['anna', 'bob']) master.addUser(user, ['Sent'], { messages: [`one of ${user}`] });
  const context = await scene.context();
  await runUser(context, 'anna');
  const [first = '', second = ''] = scene.takeCommands();
  assert.match(first, /^MAILBOX %\(UNIQUEID \S+ MBOXNAME user\.anna .* RECORD \(\)\)$/);
  assert.match(second, /^MESSAGE /);
  await runUser(context, 'bob');
  assert.match(scene.takeCommands()[0] ?? '', /^MESSAGE /, 'once is enough');
  scene.assertSame('anna', 'bob');
});

test('once one mailbox has shown that the partition is there, no mailbox waits for those before it to be uploaded', async () => {
  await using scene = await EngineScene.start({ partitions: ['default'] });
  const { master } = scene;
  master.addUser('anna', ['Sent', 'Trash'], { messages: ['one'] });
  for (const folder of ['Sent', 'Trash'])
    master.put(`user.anna.${folder}`, { messages: [`one of ${folder}`] });
  await runUser(await scene.context(), 'anna');
  const verbs = scene.takeCommands().map((command) => command.split(' ')[0]);
  assert.deepEqual(verbs.slice(0, 3), ['MAILBOX', 'MESSAGE', 'MESSAGE']);
  scene.assertSame('anna');
});

test('a partition that the replica lacks fails its user with nothing uploaded, and the connection goes on', async () => {
  await using scene = await EngineScene.start({ partitions: ['default'] });
  const { master } = scene;
  master.addUser('anna', [], { entry: { partition: 'elsewhere' }, messages: ['one'] });
  master.addUser('bob');
  const context = await scene.context();
  await assert.rejects(runUser(context, 'anna'), { code: 'PARTITION_UNKNOWN', message: /elsewhere/ });
  assert.deepEqual(
    scene.takeCommands().filter((command) => command.startsWith('MESSAGE')),
    [],
  );
  await runUser(context, 'bob');
  scene.assertSame('bob');
});

test('a mailbox that cannot be moved to a partition fails with the partition, if that is why, and stays where it is', async () => {
  await using scene = await EngineScene.start({ partitions: ['default'] });
  scene.master.addUser('anna');
  await scene.runUser('anna');
  scene.options = { ...scene.options, partition: 'elsewhere' };
  await assert.rejects(scene.runUser('anna'), {
    code: 'PARTITION_UNKNOWN',
    mailbox: 'user.anna',
    message: /no mailbox on partition elsewhere, though it does on default/,
  });
  assert.equal(scene.replica.inspect().mailboxes['user.anna']?.partition, 'default');
  scene.options = { ...scene.options, partition: undefined };
  await scene.runUser('anna');
  scene.assertSame('anna');
});

test('a folder that is the first on its partition is made there before anything is uploaded for it', async () => {
  await using scene = await EngineScene.start({ partitions: ['default', 'second'] });
  const { master } = scene;
  master.addUser('anna');
  await scene.runUser('anna');
  master.put('user.anna.Big', { entry: { partition: 'second' }, messages: ['one'] });
  scene.takeCommands();
  await scene.runUser('anna');
  const verbs = scene.takeCommands().map((command) => command.split(' ')[0]);
  assert.deepEqual(verbs, ['MAILBOX', 'MESSAGE', 'MAILBOX']);
  scene.assertSame('anna');
});
