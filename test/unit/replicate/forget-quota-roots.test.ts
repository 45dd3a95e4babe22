import assert from 'node:assert/strict';
import test from 'node:test';
import { forgetQuotaRoots } from '../../../src/replicate/jobs/forget-quota-roots.ts';
import { EngineScene } from '../../lab/engine-scene.ts';

const LIMITS = { storage: 10, messages: -1, annotationStorage: -1, folders: -1 };
const ROOTS = ['user.anna', 'user.anna.Work'];

async function withQuotas(): Promise<EngineScene> {
  const scene = await EngineScene.start();
  scene.master.addUser('anna', ['Work']);
  for (const root of ROOTS) scene.master.quotas.set(root, { root, ...LIMITS, modseq: 1 });
  await scene.runUser('anna');
  scene.takeCommands();
  scene.events.length = 0;
  return scene;
}

test('each root that is forgotten is taken away, told of, and set again by the next run of its user', async () => {
  await using scene = await withQuotas();
  await forgetQuotaRoots(await scene.context(), 'anna', ROOTS);
  assert.deepEqual(
    scene.takeCommands(),
    ROOTS.map((root) => `UNQUOTA ${root}`),
  );
  assert.deepEqual(
    scene.events,
    ROOTS.map((root) => ({ kind: 'command:unquota', root })),
  );
  assert.deepEqual([...scene.master.locked], [], 'the lock is given back');
  await scene.runUser('anna');
  assert.equal(scene.replica.inspect().quotas.length, ROOTS.length);
});

test('no root is forgotten while another client has its user', async () => {
  await using scene = await withQuotas();
  scene.master.locked.add('anna');
  await assert.rejects(forgetQuotaRoots(await scene.context(), 'anna', ROOTS), { code: 'USER_LOCKED' });
  assert.deepEqual(scene.takeCommands(), []);
});
