import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { argumentsOf } from '../../test/lab/arguments-of.ts';
import { PROJECT } from '../options.ts';
import { linePlot } from '../plots.ts';
import { growth, type Measure, median, ofTheLastProcess, type Sample } from './samples.ts';
import { soak } from './soak.ts';

/**
 * `npm run soak -- [--minutes N] [--users N] [--rate N] [--seed S] [--every SECONDS] [--plot]`: rolling mode under load and disturbance for N
 * minutes, then the strict comparison. `--plot` writes docs/reliability/soak.svg.
 */
const USAGE =
  'usage: npm run soak -- [--minutes N] [--users N] [--rate N] [--seed S] [--every SECONDS] [--plot]';
const { values } = argumentsOf(USAGE, {
  options: {
    minutes: { type: 'string', default: '120' },
    users: { type: 'string', default: '500' },
    rate: { type: 'string', default: '20' },
    seed: { type: 'string', default: 'soak' },
    every: { type: 'string', default: '15' },
    plot: { type: 'boolean', default: false },
  },
});
const numbers = {
  minutes: Number(values.minutes),
  users: Number(values.users),
  rate: Number(values.rate),
  everySeconds: Number(values.every),
};
for (const [name, value] of Object.entries(numbers)) {
  if (value > 0) continue;
  console.error(`expected a number above 0 of ${name}, found ${value}`);
  process.exit(64);
}

const { samples, changes, happened } = await soak({ ...numbers, seed: values.seed }, console.log);
/** Growth as a part of the median; more is a leak, however long it has gone on. */
const BEARABLE_GROWTH = 0.5;
const MEASURES: Readonly<Record<Measure, string>> = {
  memoryMiB: 'memory, MiB',
  files: 'open files',
  sockets: 'connections',
  behindSeconds: 'seconds behind',
};
/** Load makes the others grow. */
const LEAKING: readonly Measure[] = ['memoryMiB', 'files'];
console.log(`${changes} changes in ${values.minutes} minutes by ${values.users} users, both ends the same`);
for (const [what, count] of Object.entries(happened)) console.log(`  ${what}: ${count}`);
const last = ofTheLastProcess(samples);
const lived = (last.at(-1)?.minute ?? 0) - (last[0]?.minute ?? 0);
console.log(`  the last process lived ${lived.toFixed(1)} minutes, of which the growth is`);
for (const [measure, words] of Object.entries(MEASURES) as [Measure, string][]) {
  const most = Math.max(...samples.map((each) => each[measure]));
  const more = growth(last, measure);
  console.log(
    `  ${words}: median ${median(samples, measure).toFixed(1)}, most ${most.toFixed(1)}, ${more.toFixed(1)} more at the end`,
  );
}
for (const measure of LEAKING) {
  const share = growth(last, measure) / median(last, measure);
  if (share <= BEARABLE_GROWTH) continue;
  console.error(
    `${MEASURES[measure]}: grows by ${(100 * share).toFixed(0)} percent from the second quarter to the last`,
  );
  process.exitCode = 1;
}
if (values.plot) {
  const directory = join(PROJECT, 'docs', 'reliability');
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, 'soak.svg'), plotOf(samples));
}

/** Both axes are logarithmic, and nothing of it is below a tenth. */
function plotOf(all: readonly Sample[]): string {
  const step = Math.max(1, Math.floor(all.length / 60));
  const shown = all.filter((_, index) => index % step === 0);
  const series = (Object.entries(MEASURES) as [Measure, string][]).map(([measure, name]) => ({
    name,
    points: shown.map((each) => ({ x: Math.max(0.1, each.minute), y: Math.max(0.1, each[measure]) })),
  }));
  return linePlot(`Soak: ${values.users} users, ${values.minutes} minutes`, 'minutes', '', series);
}
