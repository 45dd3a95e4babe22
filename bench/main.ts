import { dirname } from 'node:path';
import { CASES } from './cases.ts';
import { countCalls } from './count-calls.ts';
import { withFlush } from './flush/flush.ts';
import { type BenchOptions, parseOptions, USAGE } from './options.ts';
import { ping } from './ping.ts';
import { ROLLING_CASES } from './rolling/rolling-case.ts';
import { runRolling } from './rolling/run-rolling.ts';
import { runCase } from './run-case.ts';
import { runMicro } from './run-micro.ts';
import { SITE_CASES } from './site-cases.ts';
import { sizeCases } from './size-cases.ts';
import { summariseProfiles } from './summarise-profiles.ts';
import { VERIFY_CASES } from './verify-cases.ts';
import { writeReport } from './write-report.ts';

/** sysexits.h */
const EX_USAGE = 64;

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
      return await checkProxy();
    case 'g':
      return await runMicro(options, say);
    case 'calls':
      return await countCalls(options, say);
    case 'report':
      return writeReport(options.resultsDirectory, say);
  }
  // `f` is all of the rolling cases, `f-lag` one of them, and likewise (m) and (n).
  const isMeant = (each: { id: string }) => each.id === id || each.id.startsWith(`${id}-`);
  const rolling = ROLLING_CASES.filter(isMeant);
  const others = [...CASES, ...SITE_CASES, ...VERIFY_CASES, ...sizeCases(options)].filter(isMeant);
  if (rolling.length + others.length === 0) throw new TypeError(`expected a case, found "${id}"`);
  for (const flush of options.flushes) {
    for (const bench of rolling) await runRolling(withFlush(bench, flush), options, say);
    for (const bench of others) await runCase(withFlush(bench, flush), options, say);
  }
}

async function main(): Promise<void> {
  // The launchers of what is measured find the Node that runs this.
  process.env.PATH = `${dirname(process.execPath)}:${process.env.PATH ?? ''}`;
  const options = parseOptions(process.argv.slice(2));
  if (options === undefined) {
    process.stdout.write(USAGE);
    return;
  }
  const ids =
    options.cases.length > 0
      ? options.cases
      : [
          'proxy',
          ...CASES.map((each) => each.id),
          'f',
          'g',
          'k',
          'l',
          's',
          'u',
          'v',
          'w',
          'm',
          'n',
          'report',
        ];
  for (const id of ids) await runOne(id, options);
  if (options.profile !== undefined) summariseProfiles(options.profile, say);
}

main().catch((error: unknown) => {
  say(error instanceof TypeError ? `${error.message}\n\n${USAGE}` : String((error as Error).stack));
  process.exitCode = error instanceof TypeError ? EX_USAGE : 1;
});
