import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ReplicaSession } from '../../../src/protocol/replica-session.ts';
import { judge, type VerifyParts } from '../../../src/verify/judge.ts';
import { EngineScene } from '../../lab/engine-scene.ts';

const HOW = { deep: undefined, repair: false, logs: [] };

async function partsOf(scene: EngineScene, pending: () => boolean): Promise<VerifyParts> {
  return {
    context: await scene.context(),
    how: HOW,
    pending: { includes: async () => pending() },
    pause: async () => {},
  };
}

test('what is replicated right after the second look is not told as a difference', async () => {
  await using scene = await EngineScene.start();
  scene.master.addUser('anna', ['Sent']);
  let pending = true;
  let looks = 0;
  scene.through = (session) => ({ ...session, info: session.info, getUser: askedBy(session) });
  // The answer to a look is older than what arrives while it is compared.
  const askedBy =
    (session: ReplicaSession): ReplicaSession['getUser'] =>
    async (...args) => {
      const answer = await session.getUser(...args);
      looks += 1;
      if (looks !== 2) return answer;
      scene.through = (plain) => plain;
      await scene.runUser('anna');
      pending = false;
      return answer;
    };
  const parts = await partsOf(scene, () => pending);
  const { verdict, differences } = await judge(parts, { kind: 'user', user: 'anna' });
  assert.deepEqual([verdict, differences], ['proven', []]);
  assert.equal(looks, 3);
});

test('what differs at two looks while nothing was pending at either is told at once', async () => {
  await using scene = await EngineScene.start();
  scene.master.addUser('anna', ['Sent']);
  const parts = await partsOf(scene, () => false);
  const { verdict, differences } = await judge(parts, { kind: 'user', user: 'anna' });
  assert.equal(verdict, 'different');
  assert.ok(differences.some(({ kind, mailbox }) => kind === 'mailbox' && mailbox === 'user.anna.Sent'));
});

test('who is always pending is changing, never different', async () => {
  await using scene = await EngineScene.start();
  scene.master.addUser('anna', ['Sent']);
  const parts = await partsOf(scene, () => true);
  assert.equal((await judge(parts, { kind: 'user', user: 'anna' })).verdict, 'changing');
});
