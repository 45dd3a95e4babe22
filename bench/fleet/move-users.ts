import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { FleetPlan } from '../../src/fleet/planner/fleet-plan.ts';
import { DEFAULT_RULES } from '../../src/fleet/queue/fleet-queue.ts';
import { openQueue } from '../../src/fleet/queue/open-queue.ts';
import { CyrusServer } from '../../test/lab/cyrus-server.ts';
import { FleetScene } from '../../test/lab/fleet-scene.ts';
import { runSyncClient } from './run-sync-client.ts';
import { startQueue } from './start-queue.ts';

const SLICES_OF_AN_AGENT = 3;
const USERS_OF_A_SLICE = 5;
const MESSAGES_OF_A_USER = 27;
const MESSAGE_OCTETS = 75_000;
/** Octets a second that each slice may have: a slow replica, so that slices take ten seconds on this machine too. */
const PACE = 1_000_000;
const OCTETS_PER_MB = 1e6;

/**
 * Moves users of a real master to a real replica, by as many agents, and before that by as many loops over the same slices
 * that are started by hand. Each has its share of the pace.
 */
export async function moveUsers(queueName: string, agents: number): Promise<object> {
  await using queue = await startQueue(queueName);
  await using scene = await FleetScene.start({
    ...{ masters: 1, replicas: 1, users: agents * SLICES_OF_AN_AGENT * USERS_OF_A_SLICE },
    ...{ queue: queue.address, fill: fillUsers },
    top: [`rate = ${PACE}`, 'message_rate = 1000', 'slice = 10s'],
    master: [`slices = ${agents}`],
    replica: [`slices = ${agents}`, `connections = ${agents}`, `bwlimit = ${agents * PACE}`],
  });
  const [master] = scene.masters;
  if (!master) throw new Error('no master');
  await using byHandReplica = await CyrusServer.start('hand');
  await scene.start();
  const plan: FleetPlan = JSON.parse(await readFile(scene.plan, 'utf8'));
  const slices = plan.waves.flatMap((wave) => wave.slices);
  const octets = scene.allUsers.length * MESSAGES_OF_A_USER * MESSAGE_OCTETS;
  const byHand = await seconds(async () => {
    const left = slices.map(({ users }) => users);
    const server = `127.0.0.1:${byHandReplica.syncPort}`;
    const loop = async (): Promise<void> => {
      for (let users = left.shift(); users; users = left.shift()) {
        await runSyncClient(master, server, PACE, users);
      }
    };
    await Promise.all(Array.from({ length: agents }, loop));
  });
  const before = await queue.used();
  const byFleet = await seconds(async () => {
    const all = Array.from({ length: agents }, () => scene.agent(master, '--until-done'));
    for (const { result } of all) {
      const { code, stderr } = await result;
      if (code !== 0) throw new Error(stderr);
    }
  });
  const after = await queue.used();
  await using opened = await openQueue(queue.direct, 'fleet', DEFAULT_RULES);
  const results = (await opened.slices()).flatMap(({ result }) => result ?? []);
  const proven = results.flatMap(({ users }) => users).filter(({ outcome }) => outcome === 'proven').length;
  return {
    ...{ agents, slices: slices.length, users: scene.allUsers.length, proven },
    ...{ octetsMB: octets / OCTETS_PER_MB, byHandSeconds: byHand, fleetSeconds: byFleet },
    fleetAgainstHand: byHand / byFleet,
    idleShare: idleShare(results),
    queueShare: (after.octets - before.octets) / octets,
    queueOctetsOfASlice: (after.octets - before.octets) / slices.length,
    queueProcessorSeconds: after.processorSeconds - before.processorSeconds,
  };
}

/** The part of the time of agents, each from its first slice to its last, in which it had none. */
function idleShare(results: readonly { agent: string; began: number; ended: number }[]): number {
  let busy = 0;
  let there = 0;
  for (const agent of new Set(results.map((result) => result.agent))) {
    const own = results.filter((result) => result.agent === agent);
    busy += own.reduce((sum, { began, ended }) => sum + ended - began, 0);
    there += Math.max(...own.map(({ ended }) => ended)) - Math.min(...own.map(({ began }) => began));
  }
  return 1 - busy / there;
}

async function seconds(work: () => Promise<void>): Promise<number> {
  const began = performance.now();
  await work();
  return (performance.now() - began) / 1_000;
}

async function fillUsers(server: CyrusServer, users: readonly string[]): Promise<void> {
  await using admin = await server.imap();
  for (const user of users) await admin.ok(`CREATE "user/${user}"`);
  for (const user of users) {
    await using client = await server.imap(user);
    const parts: (string | Buffer)[] = ['APPEND "INBOX"'];
    for (let count = 0; count < MESSAGES_OF_A_USER; count += 1) parts.push(' () ', message());
    await client.ok(...parts);
  }
}

function message(): Buffer {
  const lines = [
    'From: a@example.org',
    'To: b@example.org',
    'Subject: bench',
    `Message-ID: <${randomBytes(9).toString('hex')}@x>`,
    '',
  ];
  const head = `${lines.join('\r\n')}\r\n`;
  const body = randomBytes(Math.ceil((MESSAGE_OCTETS * 3) / 4))
    .toString('base64')
    .replace(/.{74}/g, '$&\r\n');
  return Buffer.from((head + body).slice(0, MESSAGE_OCTETS - 2).concat('\r\n'));
}
