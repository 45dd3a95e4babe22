import type { BenchOptions } from './options.ts';
import { ping } from './ping.ts';
import type { ResultFile, RunKey } from './results.ts';

/** Which runs make a case. */
export interface Plan {
  contenders: readonly string[];
  /** Milliseconds. */
  roundTrips: readonly number[];
  rounds: number;
}

/** The settings that a plan is made from; the command line may say otherwise. */
export interface PlannedCase {
  contenders: Sized<readonly string[]>;
  roundTrips?: Sized<readonly number[]>;
  /** Paired runs of each contender. */
  rounds?: Sized<number>;
}

interface Sized<T> {
  small: T;
  full: T;
}

const ROUND_TRIPS: Sized<readonly number[]> = { small: [0, 40], full: [0, 10, 40, 100] };
const ROUNDS: Sized<number> = { small: 2, full: 3 };

export interface Scene<R extends RunKey> extends AsyncDisposable {
  run(contender: string, roundTrip: number, round: number): Promise<R>;
  /** After each round, between timed runs. */
  clearAway(): Promise<void>;
  /** A run in a few words. */
  line(run: R): string;
}

export function planOf(bench: PlannedCase, options: BenchOptions): Plan {
  const size = options.full ? 'full' : 'small';
  return {
    contenders: options.contenders ?? bench.contenders[size],
    roundTrips: options.roundTrips ?? (bench.roundTrips ?? ROUND_TRIPS)[size],
    rounds: options.rounds ?? (bench.rounds ?? ROUNDS)[size],
  };
}

/** Runs what has no results yet, on a scene that is only set up if anything is left to run. */
export async function runRounds<R extends RunKey>(
  plan: Plan,
  file: ResultFile<R>,
  openScene: () => Promise<Scene<R>>,
  options: BenchOptions,
  say: (text: string) => void,
): Promise<void> {
  const { contenders, roundTrips, rounds } = plan;
  const numbers = Array.from({ length: rounds }, (_, round) => round);
  const isThere = (roundTrip: number, round: number) =>
    contenders.every((contender) => file.has(roundTrip, contender, round));
  if (roundTrips.every((roundTrip) => numbers.every((round) => isThere(roundTrip, round)))) {
    say(`case ${file.result.case}: all runs are there already`);
    return;
  }
  say(`case ${file.result.case}: ${file.result.title}`);
  await using scene = await openScene();
  for (const roundTrip of roundTrips) {
    if (roundTrip > 0) {
      const pinged = await ping(roundTrip, false);
      file.addPing(pinged);
      say(`  round trip asked ${roundTrip} ms, measured ${pinged.median.toFixed(1)} ms`);
    }
    for (const round of numbers) {
      // Every second round runs backwards, so that neither side always has the warmer caches.
      for (const contender of round % 2 === 0 ? contenders : contenders.toReversed()) {
        if (file.has(roundTrip, contender, round)) continue;
        const run = await scene.run(contender, roundTrip, round);
        if (options.profile === undefined) file.add(run);
        say(`  ${String(roundTrip).padStart(3)} ms ${contender.padEnd(14)} ${scene.line(run)}`);
      }
      await scene.clearAway();
    }
  }
}
