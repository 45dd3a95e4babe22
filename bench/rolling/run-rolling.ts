import { flushOf } from '../flush/flush.ts';
import { openDirectories } from '../open-directories.ts';
import { openResults } from '../open-results.ts';
import type { BenchOptions } from '../options.ts';
import { planOf, runRounds } from '../paired-rounds.ts';
import { masterStore } from '../stores.ts';
import { type RollingCase, rollingStore } from './rolling-case.ts';
import type { RollingRun } from './rolling-results.ts';
import { RollingScene } from './rolling-scene.ts';

/** Runs what of a rolling case has no results yet. */
export async function runRolling(
  bench: RollingCase,
  options: BenchOptions,
  say: (text: string) => void,
): Promise<void> {
  await openDirectories(options);
  const store = await masterStore(rollingStore(options), options.workDirectory, say);
  const work = bench.work(options);
  const file = openResults<RollingRun>(bench, store, options, { rolling: work });
  const open = () => RollingScene.open(work, store, flushOf(bench.id), options);
  await runRounds(planOf(bench, options), file, open, options, say);
}
