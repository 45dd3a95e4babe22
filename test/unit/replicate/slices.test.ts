import assert from 'node:assert/strict';
import test from 'node:test';
import { EngineScene } from '../../lab/engine-scene.ts';

const KIB = 1024;

/** Messages of each MESSAGE command that a user's mail takes. */
async function slices(sizes: readonly number[]): Promise<number[]> {
  await using scene = await EngineScene.start();
  scene.master.put('user.anna', {
    messages: sizes.map((size, number) => `${number} `.padEnd(size, 'x')),
  });
  await scene.runUser('anna');
  scene.assertSame('anna');
  return scene
    .takeCommands()
    .filter((command) => command.startsWith('MESSAGE '))
    .map((command) => command.match(/%\{/g)?.length ?? 0);
}

test('messages go together up to a MiB, and a larger one by itself', async () => {
  assert.deepEqual(await slices([10, 20, 30]), [3]);
  assert.deepEqual(await slices([600 * KIB, 600 * KIB, 300 * KIB, 300 * KIB]), [1, 2, 1]);
  assert.deepEqual(await slices([10, 2_000 * KIB, 10]), [1, 1, 1]);
});
