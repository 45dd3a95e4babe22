import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const CORPUS = join(import.meta.dirname, '..', '..', '..', 'test', 'fixtures', 'corpus');

/** Inputs of a target that earlier searches have kept, each of which reaches code that the others do not. */
export function corpusOf(name: string): Buffer[] {
  const file = fileOf(name);
  if (!existsSync(file)) return [];
  return readFileSync(file, 'latin1')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => Buffer.from(line, 'base64'));
}

/** One input a line, in base64, so that a change of one is seen as such. */
export function keepCorpus(name: string, inputs: readonly Buffer[]): void {
  mkdirSync(CORPUS, { recursive: true });
  writeFileSync(fileOf(name), inputs.map((octets) => `${octets.toString('base64')}\n`).join(''));
}

function fileOf(name: string): string {
  return join(CORPUS, `${name.replaceAll(/[^A-Za-z0-9.]+/g, '-')}.base64`);
}
