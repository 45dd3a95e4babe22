import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import type { SliceResult } from '../../../src/fleet/fleet-slice.ts';
import { openQueue } from '../../../src/fleet/queue/open-queue.ts';
import { assertNothingLeftOf, assertSameMailOf } from '../../lab/assert-same-mail.ts';
import { FleetScene } from '../../lab/fleet-scene.ts';
import { mailboxOf } from '../../lab/populate.ts';
import { QUEUES } from '../../lab/queue-servers.ts';
import { until } from '../../lab/until.ts';

for (const [name, startQueue] of QUEUES) {
  test(`three masters go to three replicas over ${name}: everybody is identical, the C client too finds nothing to send, and no replica had more than its limit at a time`, async () => {
    await using server = await startQueue();
    await using scene = await FleetScene.start({
      ...{ masters: 3, replicas: 3, users: 3, replica: ['slices = 1'] },
      ...(server && { queue: server.address }),
    });
    await scene.start();
    await scene.start();
    assert.equal((await scene.view()).standing, 'waiting');
    const agents = scene.masters.map((master) => scene.agent(master, '--until-done'));
    for (const agent of agents) {
      const { code, stderr } = await agent.result;
      assert.equal(code, 0, stderr);
    }
    const view = await scene.view();
    assert.equal(view.standing, 'done', JSON.stringify(view));
    assert.deepEqual(
      view.waves.map(({ name: wave, all, proven, done }) => [wave, all, proven, done]),
      [
        ['pilot', 3, 3, true],
        ['rest', 6, 6, true],
      ],
    );
    await assertEverybodySame(scene);
    await using queue = await openQueue(scene.queue, 'fleet');
    const slices = await queue.slices();
    for (const replica of scene.replicas) {
      const own = slices.filter(({ slice }) => slice.replica === replica.name);
      assert.ok(own.length > 1, 'several agents had slices for it');
      assertOneAtATime(own.map(({ result }) => result ?? assert.fail('a slice has no result')));
      for (const master of scene.masters) {
        const users = own
          .filter(({ slice }) => slice.master === master.name)
          .flatMap(({ slice }) => slice.users);
        if (users.length > 0) await assertNothingLeftOf(master, replica, users);
      }
    }
  });
}

test('a mover without files reads masters from their servers', async () => {
  await using scene = await FleetScene.start({ masters: 2, replicas: 1, users: 2 });
  await scene.start();
  const { code, stderr } = await scene.agent(undefined, '--until-done').result;
  assert.equal(code, 0, stderr);
  assert.equal((await scene.view()).standing, 'done', stderr);
  await assertEverybodySame(scene);
});

for (const [name, startQueue] of QUEUES) {
  test(`over ${name} a user whose master has no such mailbox any more needs a person, and holds up nobody`, async () => {
    await using server = await startQueue();
    await using scene = await FleetScene.start({
      ...{ masters: 1, replicas: 1, users: 3 },
      ...(server && { queue: server.address }),
    });
    await scene.start();
    const [master] = scene.masters;
    assert.ok(master);
    await using admin = await master.imap();
    await admin.ok(`SETACL "${mailboxOf(master, 'm1user2')}" admin lrswipkxtecda`);
    await admin.ok(`DELETE "${mailboxOf(master, 'm1user2')}"`);
    assert.equal((await scene.agent(master, '--until-done').result).code, 0);
    const view = await scene.view();
    assert.deepEqual([view.standing, view.users.proven, view.users.needPerson], ['needs-person', 2, 1]);
    assert.equal(view.waves.find(({ name }) => name === 'rest')?.done, false);
    const { code, stdout } = await scene.step('status');
    assert.equal(code, 1);
    assert.match(stdout, /^ {2}needs a person: m1user2: .*no such user/m);
    assert.match(await scene.ok('users', 'failed'), /^m1user2\trest\tm1 to r1\tneeds-person.*no such user/m);
    assert.match(await scene.ok('retry', 'failed'), /^come again: 1 user$/m);
    assert.equal((await scene.view()).standing, 'waiting');
    await scene.ok('cancel', 'm1user2');
    assert.equal((await scene.view()).standing, 'done');
  });
}

for (const [name, startQueue] of QUEUES.filter(([queue]) => queue !== 'Redis')) {
  test(`an agent over ${name} that is there before its fleet makes no queue, and begins once somebody starts one`, async () => {
    await using server = await startQueue();
    await using scene = await FleetScene.start({
      ...{ masters: 1, replicas: 1, users: 2 },
      ...(server && { queue: server.address }),
    });
    const [master] = scene.masters;
    assert.ok(master);
    const agent = scene.agent(master);
    await agent.waitForOutput((_stdout, stderr) =>
      /found none called "fleet" on the queue .*: waits for it/.test(stderr),
    );
    assert.match((await scene.step('status')).stderr, /expected a fleet that was started/);
    await scene.start();
    await until('everybody is proven', async () => (await scene.view()).standing === 'done');
    agent.kill('SIGTERM');
    assert.equal((await agent.result).code, 0);
  });
}

test('a paused replica is given nothing, and an agent that waits leaves at once when it is told to', async () => {
  await using scene = await FleetScene.start({ masters: 1, replicas: 1, users: 3 });
  const [master] = scene.masters;
  assert.ok(master);
  await scene.start();
  await scene.ok('pause', 'all');
  const idle = scene.agent(master);
  await until('the agent gives a sign of life', async () => (await scene.view()).agents.length === 1);
  idle.kill('SIGTERM');
  assert.equal((await idle.result).code, 0);
  assert.deepEqual((await scene.view()).agents, []);
  await scene.ok('resume', 'all');
  assert.equal((await scene.agent(master, '--until-done').result).code, 0);
  assert.equal((await scene.view()).standing, 'done');
});

/** @param results of slices that had to pass a gate which lets in one */
function assertOneAtATime(results: readonly Pick<SliceResult, 'began' | 'ended'>[]): void {
  const inOrder = [...results].sort((one, other) => one.began - other.began);
  for (const [at, { began }] of inOrder.entries()) {
    const before = inOrder[at - 1];
    assert.ok(before === undefined || before.ended <= began, JSON.stringify(inOrder));
  }
}

async function assertEverybodySame(scene: FleetScene): Promise<void> {
  const file = join(scene.directory, 'report.json');
  await scene.ok('report', file);
  const report = JSON.parse(await readFile(file, 'utf8'));
  assert.equal(report.complete, true);
  assert.deepEqual(report.grades, { identical: scene.allUsers.length });
  for (const { user, master, replica } of report.users) {
    const from = scene.masters.find((server) => server.name === master);
    assert.ok(from);
    await assertSameMailOf(from, scene.replicaOf(replica), [user]);
  }
}
