import { spawnSync } from 'node:child_process';
import { Command, InvalidArgumentError } from 'commander';
import { MUTANTS } from './mutants.ts';
import { planOf } from './plan-of.ts';
import { Random } from './random.ts';
import { simulate } from './simulate.ts';
import { withMutant } from './with-mutant.ts';

const MS_PER_HOUR = 3_600_000;

interface Options {
  seed?: number;
  from: number;
  seeds: number;
  first?: boolean;
  mutants?: boolean;
}

const command = new Command('sim')
  .description('Lets the whole client run in a world of its own, and says what went wrong')
  .option('--seed <number>', 'one seed, and its history', whole)
  .option('--from <number>', 'the first of several seeds', whole, 1)
  .option('--seeds <number>', 'how many', whole, 100)
  .option('--first', 'end with the first that fails')
  .option('--mutants', 'break one promise after the other, and say which seed notices')
  .parse();
const options = command.opts<Options>();
process.exitCode = options.mutants ? findMutants(options) : await runSeeds(options);

function whole(text: string): number {
  if (!/^\d+$/.test(text)) throw new InvalidArgumentError('expected a whole number');
  return Number(text);
}

/** @returns the exit code */
async function runSeeds({ seed, from, seeds, first }: Options): Promise<number> {
  const began = performance.now();
  let virtualMs = 0;
  let failed = 0;
  let ran = 0;
  const end = seed ?? from + seeds - 1;
  for (let each = seed ?? from; each <= end && !(first && failed > 0); each += 1) {
    const { violations, history, elapsedMs } = await simulate(planOf(each, new Random(each)));
    ran += 1;
    virtualMs += elapsedMs;
    if (seed !== undefined) for (const line of history) console.log(line);
    if (violations.length === 0) continue;
    failed += 1;
    console.log(`seed ${each}: ${violations[0]}`);
  }
  const hours = (performance.now() - began) / MS_PER_HOUR;
  const virtualHours = virtualMs / MS_PER_HOUR;
  console.log(
    `${ran} seeds, ${failed} failed; ${virtualHours.toFixed(1)} virtual hours, ${Math.round(virtualHours / hours)} an hour`,
  );
  return failed > 0 ? 1 : 0;
}

/** @returns the exit code: 0 if each was found */
function findMutants({ from, seeds }: Options): number {
  let survived = 0;
  for (const mutant of MUTANTS) {
    const found = withMutant(mutant, (entry) => {
      const range = ['--from', String(from), '--seeds', String(seeds), '--first'];
      const { stdout } = spawnSync(process.execPath, [entry, ...range], { encoding: 'utf8' });
      return /^seed (\d+): (.*)$/m.exec(stdout);
    });
    if (!found) survived += 1;
    const how = found ? `seed ${found[1]}: ${found[2]?.slice(0, 120)}` : `NOT FOUND in ${seeds} seeds`;
    console.log(`${mutant.name}\n    ${how}`);
  }
  console.log(`${MUTANTS.length - survived} of ${MUTANTS.length} mutants found`);
  return survived > 0 ? 1 : 0;
}
