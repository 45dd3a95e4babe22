import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { argumentsOf } from '../lab/arguments-of.ts';
import { FAULTS, type Fault } from './faults.ts';

/**
 * `npm run faults -- [WORDS]`: provokes every fault of the list, or those with one of the words, and prints the table of
 * docs/reliability.md. The suite does the same, short;
 * CYRUS_SYNC_TEST_CALLS=every, CYRUS_SYNC_TEST_SECONDS and CYRUS_SYNC_FUZZ_RUNS make it long.
 */
const TESTS = join(import.meta.dirname, '..');

const { positionals } = argumentsOf('usage: npm run faults -- [WORDS]', {
  options: {},
  allowPositionals: true,
});
const chosen = FAULTS.filter(
  ({ fault }) => positionals.length === 0 || positionals.some((words) => fault.includes(words)),
);
if (chosen.length === 0) {
  console.error(`no fault of the list has any of these words: ${positionals.join(', ')}`);
  process.exit(64);
}
console.log('| Fault | How it is provoked | Runs | Lost, duplicated, wrong, stuck |');
console.log('|---|---|---|---|');
let allHeld = true;
for (const fault of chosen) {
  const { runs, held } = await provoke(fault);
  allHeld &&= held;
  console.log(`| ${fault.fault} | ${fault.how} | ${runs} | ${held ? '0' : '**see above**'} |`);
}
process.exitCode = allHeld ? 0 : 1;

/** A run is what a test says of itself, or the test. */
async function provoke({ files, tests }: Fault): Promise<{ runs: number; held: boolean }> {
  const pattern = tests === undefined ? [] : [`--test-name-pattern=${tests}`];
  const paths = files.map((file) => join(TESTS, file));
  const child = spawn(
    process.execPath,
    ['--test', '--test-reporter=spec', '--test-concurrency=1', ...pattern, ...paths],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  let told = 0;
  let passed = 0;
  const lines: string[] = [];
  for await (const line of createInterface(child.stdout)) {
    lines.push(line);
    told += Number(/^ℹ (\d+) runs?\b/.exec(line.trim())?.[1] ?? 0);
    if (line.trim().startsWith('✔')) passed++;
  }
  const [code] = child.exitCode === null ? await once(child, 'exit') : [child.exitCode];
  if (code !== 0) console.error(lines.join('\n'));
  return { runs: told > 0 ? told : passed, held: code === 0 };
}
