import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { BlockCoverage } from './block-coverage.ts';
import { corpusOf, keepCorpus } from './corpus-of.ts';
import { accepts, type FuzzTarget } from './fuzz-target.ts';
import { guidedSearch } from './guided-search.ts';
import { inputsOf } from './inputs-of.ts';
import { GUIDED_MS_VARIABLE, KEEP_VARIABLE, runsOf } from './runs-of.ts';

/** Inputs of each target in the suite. */
const IN_SUITE = 250;

/**
 * Registers the test: whatever is made of the seeds and of the corpus, the parser comes to an end, and refuses with an error of
 * the catalogue what it cannot read.
 */
export function fuzz(name: string, target: FuzzTarget): void {
  test(`${name}: whatever it is given is read or refused`, (t) => {
    const corpus = corpusOf(name);
    const withCorpus = { ...target, seeds: [...target.seeds, ...corpus] };
    const guidedMs = Number(process.env[GUIDED_MS_VARIABLE] ?? '0');
    const say = (line: string): void => t.diagnostic(line);
    if (guidedMs > 0) guide(name, withCorpus, corpus, guidedMs, say);
    else draw(withCorpus, corpus, say);
  });
}

/** Tries the corpus as it is, then what is made of it and of the seeds at random. */
function draw(target: FuzzTarget, corpus: readonly Buffer[], say: (line: string) => void): void {
  let refused = 0;
  let read = 0;
  fc.assert(
    fc.property(inputsOf(target), (octets) => {
      if (accepts(target, octets)) read++;
      else refused++;
    }),
    { numRuns: runsOf(IN_SUITE) + corpus.length, examples: corpus.map((octets) => [octets]) },
  );
  say(`${read + refused} inputs, ${refused} refused`);
  assert.ok(read > 0, `nothing was read, ${refused} refused`);
}

/** Searches from the corpus and the seeds, which the target has both. */
function guide(
  name: string,
  target: FuzzTarget,
  corpus: readonly Buffer[],
  forMs: number,
  say: (line: string) => void,
): void {
  using coverage = new BlockCoverage((url) => url.includes('/dist/src/'));
  const end = Date.now() + forMs;
  const seed = Date.now() | 0;
  const found = guidedSearch(target, { coverage, seed, goesOn: () => Date.now() < end });
  if (process.env[KEEP_VARIABLE] !== undefined) keepCorpus(name, [...corpus, ...found.corpus]);
  say(
    `${found.inputs} inputs, ${found.refused} refused; ${found.reachedBySeeds} octets of code were reached by what it began ` +
      `with, ${coverage.reachedOctets} in the end; ${found.corpus.length} inputs that reach what those before do not`,
  );
}
