import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mendMailbox } from '../../../src/replicate/jobs/mend-mailbox.ts';
import { runUser } from '../../../src/replicate/jobs/run-user.ts';
import { EngineScene } from '../../lab/engine-scene.ts';

test('a mailbox that is made anew on the replica has nothing uploaded that the replica still held', async () => {
  await using scene = await EngineScene.start();
  scene.master.addUser('anna', ['Sent']);
  for (const text of ['one', 'two', 'three']) scene.master.append('user.anna', text);
  await scene.runUser('anna');
  scene.takeCommands();
  const context = await scene.context();
  await mendMailbox(context, { name: 'user.anna', userid: 'anna' }, {});
  assert.deepEqual(
    scene.takeCommands().map((command) => command.split(' ')[0]),
    ['RESERVE', 'UNMAILBOX'],
  );
  await runUser(context, 'anna');
  const commands = scene.takeCommands().map((command) => command.split(' ')[0]);
  assert.ok(commands.includes('MAILBOX') && !commands.includes('MESSAGE'), commands.join(' '));
  scene.assertSame('anna');
});

test('a record is sent again without the mailbox being made anew', async () => {
  await using scene = await EngineScene.start();
  scene.master.addUser('anna');
  scene.master.append('user.anna', 'one');
  await scene.runUser('anna');
  scene.takeCommands();
  await mendMailbox(await scene.context(), { name: 'user.anna', userid: 'anna' }, { records: new Set([1]) });
  const [command = '', ...others] = scene.takeCommands();
  assert.match(command, /^MAILBOX .*RECORD \(%\(UID 1 /);
  assert.deepEqual(others, []);
});

test('while another client has the user nothing is mended', async () => {
  await using scene = await EngineScene.start();
  scene.master.addUser('anna');
  await scene.runUser('anna');
  scene.takeCommands();
  const lock = scene.master.trySyncLock('replica', 'anna');
  await assert.rejects(mendMailbox(await scene.context(), { name: 'user.anna', userid: 'anna' }, {}), {
    code: 'USER_LOCKED',
  });
  lock?.[Symbol.dispose]();
  assert.deepEqual(scene.takeCommands(), []);
});
