import assert from 'node:assert/strict';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { assertSameMailOf } from '../../lab/assert-same-mail.ts';
import { FleetScene } from '../../lab/fleet-scene.ts';
import { freePorts } from '../../lab/free-ports.ts';
import { QUEUES } from '../../lab/queue-servers.ts';
import { until } from '../../lab/until.ts';
import { RecordingGate } from './recording-gate.ts';

const LEASE = ['--lease', '2s'];

for (const [name, startQueue] of QUEUES.filter(([queue]) => queue !== 'PostgreSQL')) {
  test(`an agent over ${name} that is stopped for longer than its lease: another has its slice, and leaves the user alone whose sync lock it has`, async () => {
    await using server = await startQueue();
    const gate = new RecordingGate();
    await using scene = await FleetScene.start({
      ...{ masters: 1, replicas: 1, users: 3, policy: gate },
      ...(server && { queue: server.address }),
    });
    const [master] = scene.masters;
    const [replica] = scene.replicas;
    assert.ok(master && replica);
    await scene.start();
    const stopped = scene.agent(master, ...LEASE);
    await gate.shut;
    stopped.kill('SIGSTOP');
    await until('the agent is stopped', () =>
      / T /.test(readFileSync(`/proc/${stopped.pid}/stat`, 'latin1')),
    );
    const held = usersLockedBy(stopped.pid);
    assert.deepEqual(held, ['m1user1']);
    // Whatever it had said by then is done there; of the answers it reads nothing.
    gate.open();
    const before = gate.said.length;
    const log = join(master.directory, 'other.log');
    const other = scene.agent(master, ...LEASE, '--log-file', log, '--log-format', 'json');
    await other.waitForOutput((_stdout, stderr) =>
      /done with fleet\/pilot\/\S*: 0 proven, 1 come again/.test(stderr),
    );
    const later = gate.said.slice(before).map(({ text }) => text);
    // At once: the other gives those users up after some more rounds.
    stopped.kill('SIGCONT');
    const documents = readFileSync(log, 'utf8')
      .split('\n')
      .filter((each) => each !== '')
      .map((each) => JSON.parse(each));
    assert.ok(documents.some(({ event }) => event === 'agent:begins'));
    assert.ok(documents.some(({ user }) => user === 'm1user1'));
    for (const { run, fleet, wave, slice } of documents) {
      assert.match(run, /^fleet\/(pilot|rest)\/\1\.m1\.r1\./);
      assert.equal(run, `${fleet}/${wave}/${slice}`);
    }
    for (const user of held) {
      assert.ok(!later.some((text) => text.includes(`user.${user}`) || text.includes(`USER ${user}`)), user);
    }
    await until('everybody is proven', async () => (await scene.view()).standing === 'done');
    for (const agent of [stopped, other]) {
      agent.kill('SIGTERM');
      assert.equal((await agent.result).code, 0);
    }
    assert.match((await stopped.result).stderr, /has lost .*its lease ran out/);
    await assertSameMailOf(master, replica, scene.allUsers);
  });
}

for (const [name, startQueue] of QUEUES.filter(([queue]) => queue !== 'a directory')) {
  test(`while ${name} is away a running user is finished and nothing new begins; all goes on by itself when it is back`, async () => {
    await using server = await startQueue();
    assert.ok(server);
    const gate = new RecordingGate();
    await using scene = await FleetScene.start({
      ...{ masters: 1, replicas: 1, users: 3, policy: gate, queue: server.address },
    });
    const [master] = scene.masters;
    const [replica] = scene.replicas;
    assert.ok(master && replica);
    await scene.start();
    const agent = scene.agent(master, '--until-done');
    await gate.shut;
    const running = usersLockedBy(agent.pid);
    assert.ok(running.length > 0 && running.length < 3, String(running));
    await server.kill();
    gate.open();
    await agent.waitForOutput((_stdout, stderr) => stderr.includes('does not answer'));
    await assertSameMailOf(master, replica, running);
    const others = scene.allUsers.filter((user) => !running.includes(user));
    for (const user of others) assert.deepEqual(gate.whoSaid(new RegExp(`\\b${user}\\b`)), []);
    await server.start();
    const { code, stderr } = await agent.result;
    assert.equal(code, 0, stderr);
    assert.match(stderr, /the queue answers again/);
    assert.equal((await scene.view()).standing, 'done');
    await assertSameMailOf(master, replica, scene.allUsers);
  });
}

test('an agent says on its port and in its lines which slice of which wave it is at, and goes on saying so until the next begins', async () => {
  const gate = new RecordingGate();
  await using scene = await FleetScene.start({ masters: 1, replicas: 1, users: 2, policy: gate });
  const [master] = scene.masters;
  assert.ok(master);
  const [port = 0] = await freePorts(1);
  await scene.start();
  const agent = scene.agent(master, '--metrics', String(port));
  await gate.shut;
  const ask = async (path: string): Promise<string> =>
    await (await fetch(`http://127.0.0.1:${port}${path}`)).text();
  const labels = (wave: string) =>
    new RegExp(`cyrus_sync_up{channel="default",fleet="fleet",wave="${wave}",slice="${wave}\\.m1\\.r1\\.`);
  assert.match(await ask('/metrics'), labels('pilot'));
  assert.equal(JSON.parse(await ask('/status.json')).channels[0].part.wave, 'pilot');
  const { fleet, standing, users, waves } = JSON.parse(await ask('/fleet.json'));
  const view = await scene.view();
  assert.equal(fleet, 'fleet');
  assert.deepEqual([standing, users, waves], [view.standing, view.users, view.waves]);
  assert.deepEqual([standing, users.left], ['moving', 2]);
  gate.open();
  await agent.waitForOutput((_stdout, stderr) => stderr.includes('done with fleet/rest/rest.m1.r1.'));
  // A look may be half a second old.
  let later = '';
  await until('the next slice is told of', async () => {
    later = await ask('/metrics');
    return labels('rest').test(later);
  });
  assert.doesNotMatch(later, labels('pilot'));
  agent.kill('SIGTERM');
  assert.equal((await agent.result).code, 0);
});

test('an agent that is told to stop gives its slice back although the replica is silent', async () => {
  const gate = new RecordingGate();
  await using scene = await FleetScene.start({ masters: 1, replicas: 1, users: 2, policy: gate });
  const [master] = scene.masters;
  assert.ok(master);
  await scene.start();
  const log = join(master.directory, 'agent.log');
  const agent = scene.agent(master, '--log-file', log);
  await gate.shut;
  agent.kill('SIGTERM');
  const { code, stderr } = await agent.result;
  assert.equal(code, 0, stderr);
  assert.match(stderr, /gives back .*told to stop/);
  for (const text of [stderr, readFileSync(log, 'utf8')]) {
    const lines = text.split('\n').filter((line) => line !== '');
    assert.ok(lines.length > 2, text);
    for (const line of lines) assert.match(line, /fleet\/pilot\/pilot\.m1\.r1\.[0-9a-f]{12}: /);
  }
  const { standing, agents, users } = await scene.view();
  assert.deepEqual([standing, agents, users.left], ['waiting', [], 2]);
});

/** Users whose sync lock a process has. */
function usersLockedBy(pid: number): string[] {
  const folder = `/proc/${pid}/fd`;
  const files = readdirSync(folder).map((descriptor) => {
    try {
      return readlinkSync(join(folder, descriptor));
    } catch {
      // Closed meanwhile.
      return '';
    }
  });
  return files.flatMap((file) => /\/\*S\*[^*]*\*([^*]+)\.lock$/.exec(file)?.[1] ?? []);
}
