import { getHeapStatistics } from 'node:v8';
import { createContext, Script } from 'node:vm';
import fc from 'fast-check';
import { hasErrno } from '../../src/native/has-errno.ts';
import type { BlockCoverage } from './block-coverage.ts';
import { accepts, type FuzzTarget } from './fuzz-target.ts';
import { inputsOf } from './inputs-of.ts';

export interface GuidedSearch {
  coverage: BlockCoverage;
  /** Makes the same inputs every time, as long as the code stays as it is. */
  seed: number;
  goesOn(inputs: number): boolean;
  /** For INPUTS_AT_ONCE inputs; default PATIENCE_MS. */
  patienceMs?: number;
}

export interface Found {
  inputs: number;
  refused: number;
  /** Octets of code. */
  reachedBySeeds: number;
  /** The kept inputs; each reaches code that the seeds and those before it do not. */
  corpus: Buffer[];
}

/** Coverage is asked for once in so many inputs: an answer of V8 costs as much as some hundred inputs of a parser. */
const INPUTS_AT_ONCE = 64;
/** Every other time the changes start from these alone: what was reached last leads on more often than what is long known. */
const NEWEST = 8;
/** Milliseconds for INPUTS_AT_ONCE inputs; they take a few. */
const PATIENCE_MS = 20_000;
/** Octets for INPUTS_AT_ONCE inputs, garbage included; a hundred times what they take. */
const MOST_MEMORY_OCTETS = 1024 * 1024 * 1024;
/** Octets: a longer input is tried, and nothing is made of it. */
const MOST_KEPT_OCTETS = 16 * 1024;
const MOST_CUTS = 60;

/**
 * Tries inputs that are made of a target's seeds, keeps those that reach code which none before has reached, as short as they
 * are found, and goes on from these: so it comes through conditions one after the other, of which chance would have to meet all
 * at once.
 *
 * @throws Error with the input, in base64: an error of another kind than the catalogue's, no end, or too much memory
 */
export function guidedSearch(
  target: FuzzTarget,
  { coverage, seed, goesOn, patienceMs = PATIENCE_MS }: GuidedSearch,
): Found {
  const seeds = target.seeds.map((each) => (typeof each === 'string' ? Buffer.from(each, 'latin1') : each));
  const corpus: Buffer[] = [];
  // Inputs are changed as they were found, and shortened: the first often need less change, the second have less in the way.
  const pool: Buffer[] = [];
  let inputs = 0;
  let refused = 0;
  const tryAll = trier(target, patienceMs);
  const reaches = (octets: Buffer): number => {
    tryAll([octets]);
    return coverage.newInLatest();
  };
  const add = (octets: readonly Buffer[]): void => {
    tryAll(octets);
    coverage.addLatest();
  };
  add(seeds);
  const reachedBySeeds = coverage.reachedOctets;

  for (let round = 0; goesOn(inputs); round++) {
    const from = round % 2 === 1 && pool.length > 0 ? pool.slice(-NEWEST) : [...seeds, ...pool];
    const made = inputsOf({ ...target, seeds: from });
    const batch = fc.sample(made, { numRuns: INPUTS_AT_ONCE, seed: seed + round });
    inputs += batch.length;
    refused += tryAll(batch);
    if (coverage.newInLatest() === 0) continue;
    for (const octets of batch) {
      const newOctets = octets.length > MOST_KEPT_OCTETS ? 0 : reaches(octets);
      if (newOctets === 0) continue;
      const short = shortened(target, octets, (each) => reaches(each) >= newOctets);
      add([short]);
      corpus.push(short);
      pool.push(octets, short);
    }
    // There may be what only several of them reach together, such as a value that one leaves to the next.
    add(batch);
  }
  return { inputs, refused, reachedBySeeds, corpus };
}

/** @returns what tries some inputs, and tells how many of them were refused */
function trier(target: FuzzTarget, timeout: number): (batch: readonly Buffer[]) => number {
  let batch: readonly Buffer[] = [];
  let current: Buffer = Buffer.alloc(0);
  let refused = 0;
  const run = (): void => {
    for (current of batch) if (!accepts(target, Buffer.from(current))) refused++;
  };
  // Only a script can be ended from outside while it runs.
  const script = new Script('run()');
  const context = createContext({ run });
  return (given) => {
    batch = given;
    refused = 0;
    const before = memoryOctets();
    try {
      script.runInContext(context, { timeout });
    } catch (caught) {
      const said = caught instanceof Error ? caught.message : String(caught);
      // One without an end would have none in shortening it either.
      const short = hasErrno(caught, 'ERR_SCRIPT_EXECUTION_TIMEOUT')
        ? current
        : shortened(target, current, (each) => failure(target, each) === said);
      throw new Error(`${said}\nwith the input ${short.toString('base64')}`, { cause: caught });
    }
    if (memoryOctets() - before > MOST_MEMORY_OCTETS) {
      const all = batch.map((octets) => octets.toString('base64')).join(' ');
      throw new Error(`more than ${MOST_MEMORY_OCTETS} octets of memory with one of the inputs ${all}`);
    }
    return refused;
  };
}

/** @returns what an input that is neither read nor refused fails with */
function failure(target: FuzzTarget, octets: Buffer): string | undefined {
  try {
    accepts(target, Buffer.from(octets));
  } catch (caught) {
    return caught instanceof Error ? caught.message : String(caught);
  }
  return undefined;
}

function memoryOctets(): number {
  const { used_heap_size, external_memory } = getHeapStatistics();
  return used_heap_size + external_memory;
}

/** Leaves out ever smaller pieces as long as that still holds which makes the input worth while. */
function shortened(target: FuzzTarget, octets: Buffer, holds: (octets: Buffer) => boolean): Buffer {
  let short = octets;
  let cuts = 0;
  for (let size = short.length >> 1; size > 0; size >>= 1) {
    for (let at = 0; at < short.length && cuts < MOST_CUTS; cuts++) {
      const cut = Buffer.concat([short.subarray(0, at), short.subarray(at + size)]);
      target.mend?.(cut);
      if (holds(cut)) short = cut;
      else at += size;
    }
  }
  return short;
}
