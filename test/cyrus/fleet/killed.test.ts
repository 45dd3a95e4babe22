import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { assertSameMailOf } from '../../lab/assert-same-mail.ts';
import { FleetScene } from '../../lab/fleet-scene.ts';
import { Choices } from '../../lab/generated-mail.ts';
import { killAtRandom } from '../../lab/kill-at-random.ts';
import type { RunningTool } from '../../lab/processes.ts';
import { QUEUES } from '../../lab/queue-servers.ts';

/** Milliseconds: each look is a process. */
const LOOK_EVERY = 500;

for (const [name, startQueue] of QUEUES) {
  test(`agents, a replica and the queue killed while they work over ${name}: everybody is proven and identical in the end`, async (t) => {
    await using server = await startQueue();
    await using scene = await FleetScene.start({
      ...{ masters: 2, replicas: 2, users: 4 },
      ...(server && { queue: server.address }),
    });
    await scene.start();
    const [replica] = scene.replicas;
    assert.ok(replica);
    const doomed = scene.masters.map((master) => scene.agent(master));
    await untilSomebodyWorks(scene);
    for (const agent of doomed) agent.kill('SIGKILL');
    const agents = scene.masters.map((master) => scene.agent(master));
    await untilKnown(scene, agents);
    await replica.halt();
    await server?.kill();
    await wait(1_000);
    await server?.start();
    await replica.start();
    let view = await scene.view();
    while (view.standing !== 'done' && view.standing !== 'needs-person') {
      await wait(LOOK_EVERY);
      view = await scene.view();
    }
    t.diagnostic(JSON.stringify(view.users));
    assert.equal(view.standing, 'done', JSON.stringify(view));
    for (const agent of agents) {
      agent.kill('SIGTERM');
      const { code, stderr } = await agent.result;
      assert.equal(code, 0, stderr);
    }
    for (const [master, users] of scene.users) await assertSame(scene, master, users);
  });
}

for (const [name, startQueue] of QUEUES) {
  test(`agents, replicas, starters and the queue killed at random over ${name}: everybody is proven once, and nobody is lost`, async (t) => {
    await using server = await startQueue();
    const choices = new Choices(`killed over ${name}`);
    await killAtRandom(server, {
      ...{ users: 3, kills: 6, firstAwayMs: 500 },
      random: () => choices.fraction(),
      tell: (line) => t.diagnostic(line),
    });
  });
}

/** Until an agent has been given a slice, or has done it already. */
async function untilSomebodyWorks(scene: FleetScene): Promise<void> {
  for (;;) {
    const { standing } = await scene.view();
    if (standing !== 'waiting') return;
  }
}

/** Until each has found the queue: one that does not when it begins ends with a word about it. */
async function untilKnown(scene: FleetScene, agents: readonly RunningTool[]): Promise<void> {
  for (;;) {
    const { agents: known } = await scene.view();
    if (agents.every(({ pid }) => known.some((one) => one.pid === pid))) return;
  }
}

async function assertSame(scene: FleetScene, master: string, users: readonly string[]): Promise<void> {
  const from = scene.masters.find((server) => server.name === master);
  assert.ok(from);
  const { users: all } = JSON.parse(await scene.ok('report', '-'));
  for (const { user, replica } of all) {
    if (users.includes(user)) await assertSameMailOf(from, scene.replicaOf(replica), [user]);
  }
}
