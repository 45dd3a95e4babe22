import assert from 'node:assert/strict';
import test from 'node:test';
import { EngineScene } from '../../lab/engine-scene.ts';

test('a copy in steps, interrupted after any of them, goes on from there and ends with every modseq as it is on the master', async () => {
  for (const interrupted of [2, 3, 4]) {
    await using scene = await EngineScene.start({ conversations: true });
    const { master } = scene;
    master.conversations = true;
    scene.options = { ...scene.options, batchSize: 3, conversations: true };
    master.addUser('anna', [], { messages: Array.from({ length: 10 }, (_, i) => `message ${i}`) });
    for (const uid of [1, 5, 6, 10]) master.expunge('user.anna', uid);
    scene.replica.inject({ on: 'APPLY MAILBOX', nth: interrupted, do: 'cut-before' });
    await assert.rejects(scene.runUser('anna'), { family: 'link' });
    master.expunge('user.anna', 2);
    scene.takeCommands();
    await scene.runUser('anna');
    const steps = scene.takeCommands().flatMap((line) => /^MAILBOX .* LAST_UID (\d+) /.exec(line)?.[1] ?? []);
    assert.deepEqual(steps, [...new Set(steps)], 'no step is sent again');
    const there = scene.replica.inspect().mailboxes['user.anna']?.records ?? [];
    const modseqs = (records: readonly { uid: number; modseq: number }[]): number[][] =>
      records.map(({ uid, modseq }) => [uid, modseq]);
    assert.deepEqual(modseqs(there), modseqs(master.records('user.anna')));
  }
});

test('a mailbox of which the master has cleaned up is copied in steps like any other, and is not merged', async () => {
  await using scene = await EngineScene.start();
  const { master } = scene;
  scene.options = { ...scene.options, batchSize: 3 };
  master.addUser('anna', [], { messages: Array.from({ length: 10 }, (_, i) => `message ${i}`) });
  for (const uid of [2, 7]) master.expunge('user.anna', uid);
  master.cleanUp('user.anna');
  await scene.runUser('anna');
  scene.assertSame('anna');
  const commands = scene.takeCommands();
  const steps = commands.flatMap((line) => /^MAILBOX .* LAST_UID (\d+) /.exec(line)?.[1] ?? []);
  // At first an empty one, to see whether the partition is there.
  assert.deepEqual(steps, ['0', '4', '8', '10']);
  assert.deepEqual(
    scene.events.filter(({ kind }) => kind === 'mailbox:diverged'),
    [],
  );
});
