import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Machine } from './machine.ts';

export interface MicroRow {
  name: string;
  /** Units per second of the median call. */
  rate: number;
  unit: string;
  /** Median absolute deviation of calls, percent of the median. */
  spread: number;
}

export interface MicroResult {
  machine: Machine;
  code: string;
  rows: MicroRow[];
}

const FILE = 'g.json';

export function readMicro(directory: string): MicroResult | undefined {
  const path = join(directory, FILE);
  return existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as MicroResult) : undefined;
}

export function writeMicro(directory: string, result: MicroResult): void {
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, FILE), `${JSON.stringify(result, undefined, 2)}\n`);
}
