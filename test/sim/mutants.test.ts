import assert from 'node:assert/strict';
import test from 'node:test';
import { transformSync } from 'esbuild';
import { MUTANTS } from './mutants.ts';
import { mutatedSources } from './with-mutant.ts';

/** That each is found takes hours of virtual time, and minutes of others: `npm run sim -- --mutants`. */
test('each mutant changes what stands in the sources today, and leaves a program', () => {
  assert.ok(MUTANTS.length >= 20);
  for (const mutant of MUTANTS) {
    for (const source of mutatedSources(mutant).values())
      assert.doesNotThrow(() => transformSync(source, { loader: 'ts' }), mutant.name);
  }
});
