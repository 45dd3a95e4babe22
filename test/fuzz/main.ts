import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { argumentsOf } from '../lab/arguments-of.ts';
import { RUNS_VARIABLE } from '../lab/runs-of.ts';

/**
 * `npm run fuzz -- [--runs N] [PATTERN]`: gives every parser N inputs made of ones that it takes, as the suite does with a few
 * hundred; PATTERN chooses among the names of their tests. Then tells how many there were in all.
 */
const TESTS = join(import.meta.dirname, '..', 'unit');

const { values, positionals } = argumentsOf('usage: npm run fuzz -- [--runs N] [PATTERN]', {
  options: { runs: { type: 'string', default: '25000' } },
  allowPositionals: true,
});
if (!/^[1-9]\d*$/.test(values.runs)) {
  console.error(`--runs: expected a number of inputs for each parser, found "${values.runs}"`);
  process.exit(64);
}

const files = readdirSync(TESTS, { recursive: true, encoding: 'utf8' }).filter((file) =>
  file.endsWith('/fuzzed.test.js'),
);
const patterns = positionals.map((pattern) => `--test-name-pattern=${pattern}`);
const child = spawn(
  process.execPath,
  [
    '--test',
    '--test-reporter=spec',
    '--test-concurrency=1',
    ...patterns,
    ...files.map((file) => join(TESTS, file)),
  ],
  { env: { ...process.env, [RUNS_VARIABLE]: values.runs }, stdio: ['ignore', 'pipe', 'inherit'] },
);
let inputs = 0;
let refused = 0;
for await (const line of createInterface(child.stdout)) {
  console.log(line);
  const counts = /(\d+) inputs, (\d+) refused/.exec(line);
  if (counts === null) continue;
  inputs += Number(counts[1]);
  refused += Number(counts[2]);
}
const [code] = child.exitCode === null ? await once(child, 'exit') : [child.exitCode];
console.log(
  `${inputs} inputs in all, ${refused} of them refused, ${code === 0 ? 'none' : 'some'} with an error of another kind`,
);
process.exitCode = code === 0 ? 0 : 1;
