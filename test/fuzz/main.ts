import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { argumentsOf } from '../lab/arguments-of.ts';
import { GUIDED_MS_VARIABLE, KEEP_VARIABLE, RUNS_VARIABLE } from '../lab/runs-of.ts';

/**
 * `npm run fuzz -- [--runs N] [PATTERN ...]`: gives every parser N inputs made of ones that it takes, as the suite does with a few
 * hundred; PATTERN chooses among the names of their tests. Then tells how many there were in all.
 *
 * `npm run fuzz -- --guided [--minutes N] [--keep] [PATTERN ...]`: goes on for N minutes with each parser from those inputs that
 * reach code which none before has reached. `--keep` leaves them in test/fixtures/corpus, where the suite and the next search
 * begin with them.
 */
const TESTS = join(import.meta.dirname, '..', 'unit');
const MINUTE_MS = 60_000;
/** sysexits.h */
const EX_USAGE = 64;

const USAGE =
  'usage: npm run fuzz -- [--runs N] [PATTERN ...]\n       npm run fuzz -- --guided [--minutes N] [--keep] [PATTERN ...]';
const { values, positionals } = argumentsOf(USAGE, {
  options: {
    runs: { type: 'string' },
    guided: { type: 'boolean', default: false },
    minutes: { type: 'string' },
    keep: { type: 'boolean', default: false },
  },
  allowPositionals: true,
});
const { guided, keep, runs = '25000', minutes = '5' } = values;
if (guided ? values.runs !== undefined : keep || values.minutes !== undefined) {
  refuse(
    guided ? '--runs: not with --guided, which takes --minutes' : '--minutes, --keep: only with --guided',
  );
}
if (!/^[1-9]\d*$/.test(runs)) refuse(`--runs: expected a number of inputs for each parser, found "${runs}"`);
if (!(Number(minutes) > 0)) refuse(`--minutes: expected minutes for each parser, found "${minutes}"`);
const asked = guided
  ? { [GUIDED_MS_VARIABLE]: String(Number(minutes) * MINUTE_MS), ...(keep ? { [KEEP_VARIABLE]: 'yes' } : {}) }
  : { [RUNS_VARIABLE]: runs };

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
  { env: { ...process.env, ...asked }, stdio: ['ignore', 'pipe', 'inherit'] },
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

function refuse(what: string): never {
  console.error(what);
  process.exit(EX_USAGE);
}
