import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runProcess } from '../../test/lab/processes.ts';
import { PeakMemory } from '../peak-memory.ts';
import { PROGRAM } from './program.ts';

const MASTERS = 10;
const REPLICAS = 10;
/** Octets of a user's mail, from nothing to a few gigabytes: most are small, as they are. */
const MOST_OCTETS = 4e9;
const MEAN_MESSAGE_OCTETS = 75_000;

/** Plans ten masters with so many users each for ten replicas, in a process of its own. */
export async function planLarge(usersOfMaster: number): Promise<{
  users: number;
  slices: number;
  seconds: number;
  residentMB: number;
  planMB: number;
}> {
  const directory = await mkdtemp(join(tmpdir(), 'fleet-plan-'));
  await writeInventory(directory, usersOfMaster, '60s');
  using memory = new PeakMemory(process.pid, 'holds');
  const began = performance.now();
  const command = [process.execPath, PROGRAM, 'fleet', 'plan', 'fleet.ini', '--json'];
  const { stdout, stderr, code } = await runProcess(command, { cwd: directory });
  const seconds = (performance.now() - began) / 1_000;
  if (code !== 0) throw new Error(stderr);
  const plan: { users: number; waves: { slices: unknown[] }[] } = JSON.parse(stdout);
  await rm(directory, { recursive: true });
  return {
    users: plan.users,
    slices: plan.waves.reduce((sum, { slices }) => sum + slices.length, 0),
    seconds: round(seconds),
    residentMB: round(memory.octets / 1e6),
    planMB: round(stdout.length / 1e6),
  };
}

/** Leaves `fleet.ini` and the lists that it names. */
export async function writeInventory(directory: string, usersOfMaster: number, slice: string): Promise<void> {
  const lines = [`slice = ${slice}`];
  for (let master = 1; master <= MASTERS; master += 1) {
    lines.push(`[master m${master}]`, `users = m${master}.users`);
    let list = '';
    for (let user = 1; user <= usersOfMaster; user += 1) {
      const octets = Math.round(MOST_OCTETS * Math.random() ** 8);
      list += `user${user}@m${master}.example.org\t${octets}\t${Math.ceil(octets / MEAN_MESSAGE_OCTETS)}\n`;
    }
    await writeFile(join(directory, `m${master}.users`), list);
  }
  const replicas = Array.from({ length: REPLICAS }, (_, at) => `r${at + 1}`);
  for (const name of replicas) lines.push(`[replica ${name}]`, `server = ${name}.example.org`, 'space = 20T');
  lines.push('[wave pilot]', 'match = user1@*', `replicas = ${replicas.join(', ')}`, 'by = hash');
  lines.push('[wave all]', `replicas = ${replicas.join(', ')}`);
  await writeFile(join(directory, 'fleet.ini'), `${lines.join('\n')}\n`);
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
