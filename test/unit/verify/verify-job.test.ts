import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ReplicaSession } from '../../../src/protocol/replica-session.ts';
import type { SyncEvent } from '../../../src/report/events.ts';
import { judge, type VerifyParts } from '../../../src/verify/judge.ts';
import { verify } from '../../../src/verify/verify.ts';
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

for (const isMended of [true, false]) {
  const what = isMended ? 'tells what it mended' : 'that mends nothing tells what differs';
  test(`a repair ${what}, each difference once`, async () => {
    await using scene = await EngineScene.start();
    scene.master.addUser('anna', ['Sent']);
    const { context, ...parts } = await partsOf(scene, () => false);
    const events: SyncEvent[] = [];
    const hearing = { ...context, emit: (event: SyncEvent) => events.push(event) };
    await verify(
      { ...parts, how: { ...HOW, repair: true }, context: hearing },
      { kind: 'user', user: 'anna' },
      async () => {
        if (isMended) await scene.runUser('anna');
        return 'synced';
      },
    );
    const told = events.flatMap((event) => (event.kind === 'verify:difference' ? [event.difference] : []));
    assert.ok(told.length > 0);
    assert.equal(new Set(told.map((each) => JSON.stringify(each))).size, told.length);
    const verdicts = events.flatMap((event) => (event.kind === 'verify:verdict' ? [event] : []));
    assert.deepEqual(
      verdicts.map(({ verdict, differences }) => [verdict, differences]),
      [isMended ? ['repaired', 0] : ['different', told.length]],
    );
  });
}
