import { Command, InvalidArgumentError } from 'commander';
import { planOf } from './plan.ts';
import { Random } from './random.ts';
import { simulate } from './simulate.ts';

const MS_PER_HOUR = 3_600_000;

function whole(text: string): number {
  if (!/^\d+$/.test(text)) throw new InvalidArgumentError('expected a whole number');
  return Number(text);
}

const command = new Command('sim')
  .description('Lets the whole client run in a world of its own, and says what went wrong')
  .option('--seed <number>', 'one seed, and its history', whole)
  .option('--from <number>', 'the first of several seeds', whole, 1)
  .option('--seeds <number>', 'how many', whole, 100)
  .parse();
const { seed, from, seeds } = command.opts<{ seed?: number; from: number; seeds: number }>();

const began = performance.now();
let virtualMs = 0;
let failed = 0;
const [first, last] = seed === undefined ? [from, from + seeds - 1] : [seed, seed];
for (let each = first; each <= last; each += 1) {
  const { violations, history, elapsedMs } = await simulate(planOf(each, new Random(each)));
  virtualMs += elapsedMs;
  if (seed !== undefined) for (const line of history) console.log(line);
  if (violations.length === 0) continue;
  failed += 1;
  console.log(`seed ${each}: ${violations[0]}`);
}
const hours = (performance.now() - began) / MS_PER_HOUR;
console.log(
  `${last - first + 1} seeds, ${failed} failed; ${(virtualMs / MS_PER_HOUR).toFixed(1)} virtual hours, ${Math.round(virtualMs / MS_PER_HOUR / hours)} an hour`,
);
process.exitCode = failed > 0 ? 1 : 0;
