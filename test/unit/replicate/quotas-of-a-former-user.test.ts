import assert from 'node:assert/strict';
import test from 'node:test';
import { EngineScene } from '../../lab/engine-scene.ts';

/*
 * Contract: Cyrus removes a user's quotas with the INBOX, without a line in the log. None of them stays on the replica, where
 * a quota outlives its mailboxes, for whoever gets the name.
 */

const LIMITS = { storage: 10, messages: -1, annotationStorage: -1, folders: -1 };
const INBOX = 'user.anna';

async function withQuotas(...roots: readonly string[]): Promise<EngineScene> {
  const scene = await EngineScene.start();
  scene.master.addUser('anna', ['Work']);
  for (const root of roots) scene.master.quotas.set(root, { root, ...LIMITS, modseq: 1 });
  await scene.runUser('anna');
  scene.takeCommands();
  return scene;
}

function quotaCommands(scene: EngineScene): string[] {
  return scene.takeCommands().filter((command) => /^(UN)?QUOTA /.test(command));
}

test('the INBOX and the folder are others: the quotas of the former go', async () => {
  await using scene = await withQuotas(INBOX, `${INBOX}.Work`);
  const { master } = scene;
  for (const name of [INBOX, `${INBOX}.Work`]) master.rename(name, `DELETED.${name}.65A00000`);
  master.quotas.clear();
  master.addUser('anna', ['Work']);
  await scene.runUser('anna');
  assert.deepEqual(quotaCommands(scene), [`UNQUOTA ${INBOX}`, `UNQUOTA ${INBOX}.Work`]);
});

test('a quota that the replica had before the INBOX goes, and its limits are not taken for known', async () => {
  for (const limits of [undefined, { ...LIMITS, storage: -1 }]) {
    await using scene = await EngineScene.start();
    const { session } = await scene.context();
    await session.applyQuota({ root: INBOX, ...LIMITS }, 1);
    scene.takeCommands();
    scene.master.addUser('anna');
    if (limits) scene.master.quotas.set(INBOX, { root: INBOX, ...limits, modseq: 1 });
    await scene.runUser('anna');
    const [command, ...more] = quotaCommands(scene);
    assert.match(command ?? '', limits ? /^QUOTA .*user\.anna/ : /^UNQUOTA user\.anna$/);
    assert.deepEqual(more, []);
  }
});

test('where the INBOX is gone and a folder is left, the quota goes with the INBOX', async () => {
  await using scene = await withQuotas(INBOX);
  scene.master.rename(INBOX, `DELETED.${INBOX}.65A00000`);
  scene.master.quotas.clear();
  await scene.runActions(['anna'], { kind: 'unuser', userid: 'anna' });
  assert.deepEqual(quotaCommands(scene), [`UNQUOTA ${INBOX}`]);
  assert.ok(scene.replica.inspect().mailboxes[`${INBOX}.Work`], 'the folder stays');
});
