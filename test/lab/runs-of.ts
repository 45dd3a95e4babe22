/**
 * How often a property is tried: so often in the suite, and as often as `npm run fuzz -- --runs N` says in a run that looks for
 * more.
 */
export function runsOf(inSuite: number): number {
  const asked = Number(process.env[RUNS_VARIABLE] ?? '0');
  return Math.max(inSuite, asked);
}

export const RUNS_VARIABLE = 'CYRUS_SYNC_FUZZ_RUNS';
/** Milliseconds for each target that is searched with coverage as the guide; set by `npm run fuzz -- --guided`. */
export const GUIDED_MS_VARIABLE = 'CYRUS_SYNC_FUZZ_GUIDED_MS';
/** Set where such a search is to leave its corpus among the fixtures. */
export const KEEP_VARIABLE = 'CYRUS_SYNC_FUZZ_KEEP';
