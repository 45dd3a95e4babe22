import { CaseScene } from './case-scene.ts';
import type { BenchCase } from './cases.ts';
import { clonedStore } from './cloned-store.ts';
import { openDirectories } from './open-directories.ts';
import { openResults } from './open-results.ts';
import type { BenchOptions } from './options.ts';
import { planOf, runRounds } from './paired-rounds.ts';
import type { Run } from './results.ts';
import { masterStore } from './stores.ts';

/** Runs what of a case has no results yet. */
export async function runCase(
  bench: BenchCase,
  options: BenchOptions,
  say: (text: string) => void,
): Promise<void> {
  await openDirectories(options);
  const spec = bench.store(options);
  const { workDirectory } = options;
  const store =
    spec.kind === 'clones'
      ? await clonedStore(spec, workDirectory, say)
      : await masterStore(spec, workDirectory, say);
  const file = openResults<Run>(bench, store, options);
  const open = () => CaseScene.open(bench, store, options);
  await runRounds(planOf(bench, options), file, open, options, say);
}
