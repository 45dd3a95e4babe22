import { join } from 'node:path';
import { describeMachine } from '../machine.ts';
import { type BenchOptions, PROJECT } from '../options.ts';
import { planOf, runRounds } from '../paired-rounds.ts';
import { codeDigest, ResultFile } from '../results.ts';
import { masterStore } from '../stores.ts';
import { openDirectories } from '../work-directory.ts';
import { type RollingCase, rollingStore } from './rolling-case.ts';
import type { RollingRun } from './rolling-results.ts';
import { RollingStage } from './rolling-stage.ts';

/** Runs what of a rolling case has no results yet. */
export async function runRolling(
  bench: RollingCase,
  options: BenchOptions,
  say: (text: string) => void,
): Promise<void> {
  await openDirectories(options);
  const store = await masterStore(rollingStore(options), options.workDirectory, say);
  const work = bench.work(options);
  const file = new ResultFile<RollingRun>(
    options.resultsDirectory,
    {
      case: bench.id,
      title: bench.title,
      machine: describeMachine(options.workDirectory),
      code: codeDigest(join(PROJECT, 'dist')),
      work: {
        users: store.users.length,
        mailboxes: store.mailboxes,
        messages: store.messages,
        octets: store.octets,
        rate: options.rate,
        rolling: work,
      },
      pings: [],
      runs: [],
    },
    options.fresh,
  );
  const open = () => RollingStage.open(work, store, options);
  await runRounds(planOf(bench, options), file, open, options, say);
}
