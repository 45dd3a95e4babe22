import { CASES } from './cases.ts';
import { runMicro } from './micro.ts';
import { type BenchOptions, parseOptions, USAGE } from './options.ts';
import { ping } from './ping.ts';
import { summariseProfiles } from './profile.ts';
import { writeReport } from './report.ts';
import { ROLLING_CASES } from './rolling/rolling-case.ts';
import { runRolling } from './rolling/run-rolling.ts';
import { runCase } from './run-case.ts';
import { MANY_FOLDERS, MANY_MAILBOXES, MEMORY_CASES, SIZE_CASES, sizeCases } from './size-cases.ts';

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

async function checkProxy(): Promise<void> {
  say('asked   median   least    most     greeting  bulk both ways');
  for (const roundTrip of [0, 10, 40, 100]) {
    const found = await ping(roundTrip, true);
    const ms = (value: number) => `${value.toFixed(2)} ms`.padEnd(9);
    say(
      `${String(roundTrip).padStart(3)} ms  ${ms(found.median)}${ms(found.least)}${ms(found.most)}` +
        `${ms(found.greeting)} ${found.bulk.toFixed(0)} MB/s`,
    );
  }
}

async function runOne(id: string, options: BenchOptions): Promise<void> {
  switch (id) {
    case 'proxy':
      await checkProxy();
      break;
    case 'g':
      await runMicro(options, say);
      break;
    case 'f':
      for (const bench of ROLLING_CASES) await runRolling(bench, options, say);
      break;
    case 'm':
      for (const bench of sizeCases(MEMORY_CASES, options)) await runCase(bench, options, say);
      break;
    case 'n':
      for (const bench of sizeCases([...MANY_MAILBOXES, ...MANY_FOLDERS], options)) {
        await runCase(bench, options, say);
      }
      break;
    case 'report':
      writeReport(options.resultsDirectory, say);
      break;
    default: {
      const bench = [...CASES, ...SIZE_CASES].find((each) => each.id === id);
      if (bench === undefined) throw new TypeError(`expected a case, found "${id}"`);
      await runCase(bench, options, say);
    }
  }
}

async function main(): Promise<void> {
  const options = parseOptions(process.argv.slice(2));
  if (options === undefined) {
    process.stdout.write(USAGE);
    return;
  }
  const ids =
    options.cases.length > 0
      ? options.cases
      : ['proxy', ...CASES.map((each) => each.id), 'f', 'g', 'm', 'n', 'report'];
  for (const id of ids) await runOne(id, options);
  if (options.profile !== undefined) summariseProfiles(options.profile, say);
}

main().catch((error: unknown) => {
  say(error instanceof TypeError ? `${error.message}\n\n${USAGE}` : String((error as Error).stack));
  process.exitCode = 1;
});
