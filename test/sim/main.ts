import { spawnSync } from 'node:child_process';
import { Command, InvalidArgumentError, Option } from 'commander';
import { killAtEachCommand } from './kill-at-each-command.ts';
import { MUTANTS } from './mutants.ts';
import { type Plan, THEMES, type Theme } from './plan.ts';
import { planOf } from './plan-of.ts';
import { Random } from './random.ts';
import { shrink as shrinkPlan } from './shrink.ts';
import { simulate } from './simulate.ts';
import { spreadOut } from './spread-out.ts';
import { withMutant } from './with-mutant.ts';

/** sysexits.h */
const EX_USAGE = 64;
const MS_PER_HOUR = 3_600_000;

interface Options {
  seed?: number;
  from: number;
  seeds: number;
  first?: boolean;
  theme?: Theme;
  spread?: true;
  shrink: boolean;
  kills?: true;
  mutants?: string | true;
}

const command = new Command('sim')
  .description('Lets the whole client run in a world of its own, and says what went wrong')
  .option('--seed <number>', 'one seed, and its history', whole)
  .option('--from <number>', 'the first of several seeds', whole, 1)
  .option('--seeds <number>', 'how many', whole, 100)
  .addOption(new Option('--theme <word>', 'only seeds whose plans have it').choices(THEMES))
  .option('--spread', 'at sites whose mailboxes are sent over two connections')
  .option('--first', 'end with the first that fails')
  .option('--no-shrink', 'say of a seed that fails only what was found first')
  .option(
    '--kills',
    'kill the program at each command of a plan, one after the other, and let nothing else go wrong',
  )
  .option(
    '--mutants [words]',
    'break one promise after the other, or those with these words, and say which seed notices',
  )
  .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : EX_USAGE))
  .parse();
const options = command.opts<Options>();
process.exitCode = options.mutants
  ? findMutants(options, options.mutants)
  : options.kills
    ? await killAtEach(options)
    : await runSeeds(options);

function whole(text: string): number {
  if (!/^\d+$/.test(text)) throw new InvalidArgumentError('expected a whole number');
  return Number(text);
}

function planFor(seed: number, spread: true | undefined): Plan {
  const plan = planOf(seed, new Random(seed));
  return spread ? spreadOut(plan) : plan;
}

/** @returns the exit code */
async function runSeeds({ seed, from, seeds, theme, spread, first, shrink }: Options): Promise<number> {
  const began = performance.now();
  let virtualMs = 0;
  let failed = 0;
  let ran = 0;
  const end = seed ?? from + seeds - 1;
  for (let each = seed ?? from; each <= end && !(first && failed > 0); each += 1) {
    const plan = planFor(each, spread);
    if (theme !== undefined && plan.theme !== theme) continue;
    const { violations, history, elapsedMs } = await simulate(plan);
    ran += 1;
    virtualMs += elapsedMs;
    if (seed !== undefined) for (const line of history) console.log(line);
    if (violations.length === 0) continue;
    failed += 1;
    console.log(`seed ${each}: ${violations[0]}`);
    // One history is enough to begin with.
    if (shrink && failed === 1) await showSmallest(plan);
  }
  const hours = (performance.now() - began) / MS_PER_HOUR;
  const virtualHours = virtualMs / MS_PER_HOUR;
  console.log(
    `${ran} seeds, ${failed} failed; ${virtualHours.toFixed(1)} virtual hours, ${Math.round(virtualHours / hours)} an hour`,
  );
  return failed > 0 ? 1 : 0;
}

/** @returns the exit code */
async function killAtEach({ seed, from, seeds, theme, spread, first }: Options): Promise<number> {
  let plans = 0;
  let total = 0;
  let failed = 0;
  const end = seed ?? from + seeds - 1;
  for (let each = seed ?? from; each <= end && !(first && failed > 0); each += 1) {
    const plan = planFor(each, spread);
    if (theme !== undefined && plan.theme !== theme) continue;
    const { kills, violations } = await killAtEachCommand(plan);
    plans += 1;
    total += kills;
    if (violations.length === 0) continue;
    failed += 1;
    for (const violation of violations) console.log(`seed ${each}: ${violation}`);
  }
  console.log(`${plans} plans, ${total} kills; ${failed} plans failed`);
  return failed > 0 ? 1 : 0;
}

/** Prints the least of a plan that still fails, and how it goes. */
async function showSmallest(plan: Plan): Promise<void> {
  const smallest = await shrinkPlan(plan, async (each) => (await simulate(each)).violations.length > 0);
  const { steps, ...site } = smallest;
  console.log(`shrunk from ${plan.steps.length} to ${steps.length} steps, at ${JSON.stringify(site)}:`);
  for (const step of steps) console.log(`  ${JSON.stringify(step)}`);
  for (const line of (await simulate(smallest)).history) console.log(line);
}

/** @returns the exit code: 0 if each was found */
function findMutants({ from, seeds, theme, spread, kills }: Options, words: string | true): number {
  const chosen = MUTANTS.filter(({ name }) => words === true || name.includes(words));
  let survived = 0;
  for (const mutant of chosen) {
    const { stdout, stderr } = withMutant(mutant, (entry) => {
      const range = ['--from', String(from), '--seeds', String(seeds), '--first', '--no-shrink'];
      if (theme !== undefined) range.push('--theme', theme);
      if (spread) range.push('--spread');
      if (kills) range.push('--kills');
      return spawnSync(process.execPath, [entry, ...range], { encoding: 'utf8' });
    });
    // A program that does not even run notices nothing.
    if (!/virtual hours|kills/.test(stdout)) throw new Error(`${mutant.name}: it ended early: ${stderr}`);
    const found = /^seed (\d+): (.*)$/m.exec(stdout);
    if (!found) survived += 1;
    const how = found ? `seed ${found[1]}: ${found[2]?.slice(0, 120)}` : `NOT FOUND in ${seeds} seeds`;
    console.log(`${mutant.name}\n    ${how}`);
  }
  console.log(`${chosen.length - survived} of ${chosen.length} mutants found`);
  return survived > 0 ? 1 : 0;
}
