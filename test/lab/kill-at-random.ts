import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { setTimeout as wait } from 'node:timers/promises';
import { assertSameMailOf } from './assert-same-mail.ts';
import type { CyrusServer } from './cyrus-server.ts';
import { FleetScene } from './fleet-scene.ts';
import type { RunningTool } from './processes.ts';
import type { QueueServer } from './queue-servers.ts';

export interface KillOptions {
  users: number;
  kills: number;
  /** Milliseconds that the queue is away the first time that it is killed; later it is away for a moment. */
  firstAwayMs: number;
  /** 0 <= r < 1 */
  random(): number;
  tell(line: string): void;
}

type Part = 'agent' | 'queue' | 'replica' | 'starter';

const PARTS: readonly Part[] = ['agent', 'agent', 'queue', 'replica', 'starter'];
/** Milliseconds between two kills, at most. */
const MOST_PAUSE = 1_500;
/** Milliseconds: each look is a process. */
const LOOK_EVERY = 500;
const MOST_AWAY = 3_000;
const AGENTS_OF_A_MASTER = 2;

/**
 * Moves users of two masters to two replicas while agents, the queue, replicas and whoever starts the fleet are killed at
 * random. Once nobody disturbs any more, everybody has to be proven, once, and the same on both sides.
 *
 * @param server undefined: the queue is a directory
 * @returns how often each part was killed
 */
export async function killAtRandom(
  server: QueueServer | undefined,
  options: KillOptions,
): Promise<Record<Part, number>> {
  await using scene = await FleetScene.start({
    ...{ masters: 2, replicas: 2, users: options.users },
    ...(server && { queue: server.address }),
    // Slow enough for the kills to meet users under way, and many slices.
    replica: ['slices = 1', 'connections = 1', 'bwlimit = 4K'],
    top: ['message_rate = 1', 'slice = 10s'],
  });
  const disturbed = new Disturbed(scene, server, options);
  await disturbed.run();
  await disturbed.comeToTheEnd();
  return disturbed.killed;
}

class Disturbed {
  readonly killed: Record<Part, number> = { agent: 0, queue: 0, replica: 0, starter: 0 };
  readonly #scene: FleetScene;
  readonly #server: QueueServer | undefined;
  readonly #options: KillOptions;
  readonly #agents: { master: CyrusServer; tool: RunningTool; ended: boolean }[] = [];

  constructor(scene: FleetScene, server: QueueServer | undefined, options: KillOptions) {
    this.#scene = scene;
    this.#server = server;
    this.#options = options;
  }

  async run(): Promise<void> {
    const scene = this.#scene;
    await writeFile(scene.plan, await scene.ok('plan', scene.inventory, '--json'));
    await this.#kill('starter');
    for (const master of scene.masters) {
      for (let count = 0; count < AGENTS_OF_A_MASTER; count += 1) this.#startAgent(master);
    }
    let parts: Part[] = [];
    for (let kills = 1; kills < this.#options.kills; kills += 1) {
      await wait(this.#options.random() * MOST_PAUSE);
      if (parts.length === 0) parts = PARTS.filter((part) => this.#server || part !== 'queue');
      const part = this.#oneOf(parts);
      // In any order, and none is passed over.
      parts.splice(parts.indexOf(part), 1);
      await this.#kill(part);
      this.#replaceAgents();
    }
  }

  async comeToTheEnd(): Promise<void> {
    const scene = this.#scene;
    const { users: counts } = await scene.view();
    this.#options.tell(`after the last kill ${counts.proven} of ${counts.all} users are proven`);
    for (;;) {
      this.#replaceAgents();
      const { standing, users } = await scene.view();
      if (standing === 'done') break;
      if (standing === 'needs-person') {
        this.#options.tell(`${users.needPerson} users need a person, who has them come again`);
        await scene.ok('retry', 'failed');
      }
      await wait(LOOK_EVERY);
    }
    for (const { tool } of this.#agents) tool.kill('SIGTERM');
    for (const { tool, ended } of this.#agents) {
      const { code, stderr } = await tool.result;
      if (!ended) assert.equal(code, 0, stderr);
    }
    const { users, complete } = JSON.parse(await scene.ok('report', '-'));
    assert.equal(complete, true);
    const names = users.map(({ user }: { user: string }) => user);
    assert.deepEqual([...names].sort(), [...scene.allUsers].sort(), 'each user once, and nobody is lost');
    for (const { user, master, replica } of users) {
      const from = scene.masters.find((one) => one.name === master);
      assert.ok(from);
      await assertSameMailOf(from, scene.replicaOf(replica), [user]);
    }
  }

  async #kill(part: Part): Promise<void> {
    const { random, tell, firstAwayMs } = this.#options;
    this.killed[part] += 1;
    switch (part) {
      case 'agent': {
        const living = this.#agents.filter(({ ended }) => !ended);
        const victim = this.#oneOf(living);
        tell(`agent ${victim.tool.pid} of ${victim.master.name} is killed`);
        victim.ended = true;
        victim.tool.kill('SIGKILL');
        this.#startAgent(victim.master);
        break;
      }
      case 'queue': {
        const awayMs = this.killed.queue === 1 ? firstAwayMs : Math.round(random() * MOST_AWAY);
        tell(`the queue is killed, and away for ${awayMs} ms`);
        await this.#server?.kill();
        await wait(awayMs);
        await this.#server?.start();
        break;
      }
      case 'replica': {
        const replica = this.#oneOf(this.#scene.replicas);
        tell(`replica ${replica.name} is killed`);
        await replica.crash();
        await replica.start();
        break;
      }
      case 'starter': {
        const starter = this.#scene.starter();
        const afterMs = Math.round(random() * MOST_PAUSE);
        tell(`the starter is killed after ${afterMs} ms, and called again`);
        await wait(afterMs);
        starter.kill('SIGKILL');
        await starter.result;
        await this.#scene.ok('start', this.#scene.plan);
      }
    }
  }

  #startAgent(master: CyrusServer): void {
    const tool = this.#scene.agent(master, '--lease', '2s');
    const agent = { master, tool, ended: false };
    const ended = (): void => {
      agent.ended = true;
    };
    tool.result.then(ended, ended);
    this.#agents.push(agent);
  }

  /** An agent that finds no queue when it begins ends, and is started again, as systemd does. */
  #replaceAgents(): void {
    for (const master of this.#scene.masters) {
      const living = this.#agents.filter((agent) => agent.master === master && !agent.ended);
      for (let count = living.length; count < AGENTS_OF_A_MASTER; count += 1) this.#startAgent(master);
    }
  }

  #oneOf<T>(all: readonly T[]): T {
    const one = all[Math.floor(this.#options.random() * all.length)];
    if (one === undefined) throw new Error('there is none to choose from');
    return one;
  }
}
