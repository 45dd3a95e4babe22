import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { argumentsOf } from '../lab/arguments-of.ts';
import { type Coverage, comesBy, coverageOf } from './coverage-of.ts';
import { isRefusedByCompiler } from './is-refused-by-compiler.ts';
import { type Mutation, mutationsOf } from './mutations-of.ts';
import { passes } from './passes.ts';

/**
 * `npm run mutants -- ROOM [--count N] [--seed S] [--minutes N] [--in WORDS] [--with ROOM ...]`: changes one place of a room at a
 * time, N of all that there are (200) or as many as the time allows, or of modules whose path has the words, and tells which share its own unit tests notice, or they and those of
 * more rooms, and what survives. Of the tests those are run that come by the place. What the compiler refuses is noticed. `--with
 * sim` has simulated sites look at what the unit tests let pass. `--again FILE` takes the mutants that are told to survive in what
 * a run has printed, so that a large sample need not be run again whole.
 */
const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
/** Milliseconds beyond five times what a test takes otherwise: a mutant that never ends is noticed as well. */
const PATIENCE_MS = 5_000;
const MS_PER_MINUTE = 60_000;
/** Stands among rooms for the test of simulated sites, which needs no Cyrus either. */
const SIMULATION = 'sim';

const SURVIVES = 'survives: ';
const UNSEEN = ' (no test comes by)';

interface Place {
  path: string;
  mutation: Mutation;
  /** Says which it is, in a line. */
  label: string;
}

const rooms = readdirSync(join(ROOT, 'src'), { withFileTypes: true })
  .filter((each) => each.isDirectory())
  .map(({ name }) => name);
const USAGE = `usage: npm run mutants -- ROOM [--count N] [--seed S] [--minutes N] [--parallel N] [--in WORDS] [--with ROOM|sim] [--again FILE]; ROOM is one of ${rooms.join(', ')}`;

const { values, positionals } = argumentsOf(USAGE, {
  options: {
    count: { type: 'string', default: '200' },
    seed: { type: 'string', default: '1' },
    minutes: { type: 'string', default: '60' },
    parallel: { type: 'string', default: String(availableParallelism()) },
    in: { type: 'string', default: '' },
    with: { type: 'string', multiple: true, default: [] },
    again: { type: 'string' },
  },
  allowPositionals: true,
});
const [room = ''] = positionals;
const counts = [values.count, values.seed, values.parallel, values.minutes].map(Number);
const [count = 0, seed = 0, parallel = 0, minutes = 0] = counts;
const withSimulation = values.with.includes(SIMULATION);
const furtherRooms = values.with.filter((each) => each !== SIMULATION);
if (
  ![room, ...furtherRooms].every((each) => rooms.includes(each)) ||
  counts.some((each) => !Number.isSafeInteger(each) || each < 1)
) {
  console.error(USAGE);
  process.exit(64);
}

const scratch = mkdtempSync(join(tmpdir(), 'mutants-'));
process.on('exit', () => rmSync(scratch, { recursive: true, force: true }));
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
const copies = Array.from({ length: parallel }, (_, number) => copyOf(join(scratch, String(number))));
const [first = ''] = copies;

const folder = join('dist', 'src', room);
const modules = filesBelow(folder, '.js');
const tests = [room, ...furtherRooms].flatMap((each) =>
  filesBelow(join('dist', 'test', 'unit', each), '.test.js'),
);
const simulation = join('dist', 'test', 'sim', 'simulation.test.js');
if (withSimulation) tests.push(simulation);
console.log(`${modules.length} modules of ${room}; which of ${tests.length} test files come by where ...`);
const coverage: Coverage[] = [];
await onCopies(tests, async (copy, test) => {
  const found = await coverageOf(copy, test, folder);
  if (found) coverage.push(found);
  else console.log(`fails without a mutant, and is left out: ${test}`);
});
coverage.sort(
  (a, b) => Number(a.test === simulation) - Number(b.test === simulation) || a.milliseconds - b.milliseconds,
);

const all = modules.filter((path) => path.includes(values.in)).flatMap(placesIn);
const survivors = values.again === undefined ? undefined : survivorsIn(readFileSync(values.again, 'utf8'));
const candidates = survivors ? all.filter(({ label }) => survivors.has(label)) : all;
const length = Math.min(count, candidates.length);
const chosen =
  fc.sample(fc.shuffledSubarray(candidates, { minLength: length, maxLength: length }), {
    seed,
    numRuns: 1,
  })[0] ?? [];
const deadline = performance.now() + minutes * MS_PER_MINUTE;
let tried = 0;
let noticed = 0;
let simulated = 0;
let refused = 0;
await onCopies(chosen, async (copy, { path, mutation, label }) => {
  if (performance.now() > deadline) return;
  tried++;
  const visitors = coverage.filter((each) => comesBy(each, path, mutation.start));
  const by = await firstToNotice(copy, path, mutation, visitors);
  if (by === simulation) simulated++;
  else if (by) noticed++;
  else if (isRefusedByCompiler(copy, path, mutation)) refused++;
  else {
    const unseen = visitors.length === 0 ? UNSEEN : '';
    console.log(`${SURVIVES}${label}${unseen}`);
  }
});
const share = ((100 * (noticed + simulated + refused)) / tried).toFixed(1);
console.log(
  `${room}: ${noticed} of ${tried} mutants noticed by tests, ` +
    `${withSimulation ? `${simulated} in simulated sites, ` : ''}${refused} by the compiler, ${share} percent ` +
    `(${all.length} places, seed ${seed})`,
);

function placesIn(path: string): Place[] {
  const source = readFileSync(join(first, path), 'utf8');
  return mutationsOf(source).map((mutation) => {
    const line = source.slice(0, mutation.start).split('\n').length;
    return { path, mutation, label: `${path}:${line} ${mutation.what}` };
  });
}

/** @param printed by an earlier run */
function survivorsIn(printed: string): ReadonlySet<string> {
  const lines = printed.split('\n').filter((line) => line.startsWith(SURVIVES));
  return new Set(lines.map((line) => line.slice(SURVIVES.length).replace(UNSEEN, '')));
}

async function firstToNotice(
  copy: string,
  path: string,
  { start, end, text }: Mutation,
  visitors: readonly Coverage[],
): Promise<string | undefined> {
  const sound = readFileSync(join(copy, path), 'utf8');
  writeFileSync(join(copy, path), sound.slice(0, start) + text + sound.slice(end));
  try {
    for (const { test, milliseconds } of visitors) {
      if (!(await passes(copy, test, Math.ceil(5 * milliseconds) + PATIENCE_MS))) return test;
    }
    return undefined;
  } finally {
    writeFileSync(join(copy, path), sound);
  }
}

/** Each copy takes the next as soon as it is done with one. */
async function onCopies<T>(
  items: readonly T[],
  use: (copy: string, item: T) => Promise<void>,
): Promise<void> {
  const left = items.values();
  await Promise.all(
    copies.map(async (copy) => {
      for (const item of left) await use(copy, item);
    }),
  );
}

/** The copy has what is built, and the sources for the compiler. */
function copyOf(copy: string): string {
  mkdirSync(copy);
  for (const part of ['dist', 'src', 'test', 'docs', 'package.json', 'tsconfig.json', 'web', 'bin']) {
    cpSync(join(ROOT, part), join(copy, part), { recursive: true, verbatimSymlinks: true });
  }
  symlinkSync(join(ROOT, 'node_modules'), join(copy, 'node_modules'));
  const settings = JSON.parse(readFileSync(join(copy, 'tsconfig.json'), 'utf8'));
  writeFileSync(join(copy, 'tsconfig.json'), JSON.stringify({ ...settings, include: ['src'] }));
  return copy;
}

function filesBelow(directory: string, ending: string): string[] {
  return readdirSync(join(ROOT, directory), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith(ending))
    .sort()
    .map((file) => join(directory, file));
}
