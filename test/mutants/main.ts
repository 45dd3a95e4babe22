import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import fc from 'fast-check';
import { comesBy, coverageOf } from './coverage-of.ts';
import { type Mutation, mutationsOf } from './mutations-of.ts';

/**
 * `npm run mutants -- ROOM [--count N] [--seed S] [--all]`: changes one place of a room at a time, N of all that there are (200),
 * and tells which share its own unit tests notice, or with `--all` those of every room, and what survives. Of the tests those are
 * run that come by the place.
 */
const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
/** Milliseconds beyond five times what a test takes otherwise: a mutant that never ends is noticed as well. */
const PATIENCE_MS = 5_000;

const { values, positionals } = parseArgs({
  options: {
    count: { type: 'string', default: '200' },
    seed: { type: 'string', default: '1' },
    all: { type: 'boolean', default: false },
  },
  allowPositionals: true,
});
const [room = ''] = positionals;
const counts = [values.count, values.seed].map(Number);
const [count = 0, seed = 0] = counts;
const rooms = readdirSync(join(ROOT, 'src'), { withFileTypes: true }).filter((each) => each.isDirectory());
if (
  !rooms.some(({ name }) => name === room) ||
  counts.some((each) => !Number.isSafeInteger(each) || each < 1)
) {
  const names = rooms.map(({ name }) => name).join(', ');
  console.error(`usage: npm run mutants -- ROOM [--count N] [--seed S] [--all]; ROOM is one of ${names}`);
  process.exit(64);
}

const copy = mkdtempSync(join(tmpdir(), 'mutants-'));
process.on('exit', () => rmSync(copy, { recursive: true, force: true }));
for (const part of ['dist', 'test', 'docs', 'package.json', 'web', 'bin']) {
  cpSync(join(ROOT, part), join(copy, part), { recursive: true, verbatimSymlinks: true });
}
for (const part of ['node_modules', 'src']) symlinkSync(join(ROOT, part), join(copy, part));

const folder = join(copy, 'dist', 'src', room);
const modules = filesBelow(folder, '.js');
const unit = join(copy, 'dist', 'test', 'unit');
const tests = filesBelow(values.all ? unit : join(unit, room), '.test.js');
console.log(`${modules.length} modules of ${room}; which of ${tests.length} test files come by where ...`);
const coverage = tests.flatMap((test) => coverageOf(test, (path) => path.startsWith(`${folder}/`)) ?? []);
coverage.sort((a, b) => a.milliseconds - b.milliseconds);

const all = modules.flatMap((path) =>
  mutationsOf(readFileSync(path, 'utf8')).map((mutation) => ({ path, mutation })),
);
const chosen =
  fc.sample(
    fc.shuffledSubarray(all, {
      minLength: Math.min(count, all.length),
      maxLength: Math.min(count, all.length),
    }),
    {
      seed,
      numRuns: 1,
    },
  )[0] ?? [];
let killed = 0;
const survivors: string[] = [];
for (const { path, mutation } of chosen) {
  if (isNoticed(path, mutation)) killed++;
  else {
    const line = readFileSync(path, 'utf8').slice(0, mutation.start).split('\n').length;
    const survivor = `${relative(join(copy, 'dist'), path)}:${line} ${mutation.what}`;
    survivors.push(survivor);
    console.log(`survives: ${survivor}`);
  }
}
const share = ((100 * killed) / chosen.length).toFixed(1);
console.log(
  `${room}: ${killed} of ${chosen.length} mutants noticed, ${share} percent (${all.length} places, seed ${seed})`,
);

function isNoticed(path: string, { start, end, text }: Mutation): boolean {
  const sound = readFileSync(path, 'utf8');
  writeFileSync(path, sound.slice(0, start) + text + sound.slice(end));
  try {
    return coverage
      .filter((each) => comesBy(each, path, start))
      .some(({ test, milliseconds }) => {
        const { status } = spawnSync(process.execPath, [test], {
          stdio: 'ignore',
          timeout: Math.ceil(5 * milliseconds) + PATIENCE_MS,
        });
        return status !== 0;
      });
  } finally {
    writeFileSync(path, sound);
  }
}

function filesBelow(directory: string, ending: string): string[] {
  return readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith(ending))
    .sort()
    .map((file) => join(directory, file));
}
