import assert from 'node:assert/strict';
import test from 'node:test';
import { transformSync } from 'esbuild';
import { MUTANTS } from './mutants.ts';
import { mutatedSource } from './with-mutant.ts';

/** That each is found takes hours of virtual time, and minutes of others: `npm run sim -- --mutants`. */
test('each mutant changes what stands in the sources today, and leaves a program', () => {
  assert.ok(MUTANTS.length >= 20);
  for (const mutant of MUTANTS) {
    assert.doesNotThrow(() => transformSync(mutatedSource(mutant), { loader: 'ts' }), mutant.name);
  }
});
