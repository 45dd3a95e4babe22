import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { GateName, Pairing, QueueRules } from '../../src/fleet/queue/fleet-queue.ts';
import { runProcess } from './processes.ts';

/** Several who claim slices in one process, and write down when they have one and when they let go. */
export interface ClaimerSettings {
  queue: string;
  fleet: string;
  rules: QueueRules;
  pairings: readonly Pairing[];
  /** Side by side in this process. */
  claimers: number;
  /** One file for all processes, whose lines are in the order in which they were written. */
  journal: string;
  /** Whoever has a slice behind this gate keeps it until two have been inside at once. */
  meeting: GateName;
}

export interface Claimed {
  /** In the order in which they were begun, once for each time. */
  slices: string[];
  /** By gate: at most so many were inside at once. */
  most: Map<string, number>;
}

/** Has processes claim and finish slices until none is left, and counts from their journal how many were inside each gate. */
export async function claimInProcesses(processes: number, settings: ClaimerSettings): Promise<Claimed> {
  const program = join(import.meta.dirname, 'claimer-process.js');
  const command = [process.execPath, program, JSON.stringify(settings)];
  const ended = await Promise.all(Array.from({ length: processes }, () => runProcess(command)));
  for (const { code, stderr } of ended)
    if (code !== 0) throw new Error(`a claimer exited ${code}: ${stderr}`);
  return readJournal(settings.journal);
}

export async function readJournal(file: string): Promise<Claimed> {
  const slices: string[] = [];
  const inside = new Map<string, number>();
  const most = new Map<string, number>();
  for (const line of (await readFile(file, 'utf8')).split('\n')) {
    const [sign, id = '', ...gates] = line.split(' ');
    if (sign === '+') slices.push(id);
    for (const gate of gates) {
      const count = (inside.get(gate) ?? 0) + (sign === '+' ? 1 : -1);
      inside.set(gate, count);
      most.set(gate, Math.max(most.get(gate) ?? 0, count));
    }
  }
  return { slices, most };
}
