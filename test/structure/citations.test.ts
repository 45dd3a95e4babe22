import assert from 'node:assert/strict';
import test from 'node:test';
import { citationsOf, citingFiles, danglingCitations, otherForms, sectionsOf } from './citations.ts';

/**
 * Code and tests say where a fact comes from: `(protocol 7.2)`, `(store 3.1, 3.3)`, `(protocol 9.1 to 9.3)`,
 * `(algorithm 14, row 6)`. Whoever follows such a citation must find the section in `docs/`.
 */
test('every section that is cited exists', () => {
  assert.deepEqual(danglingCitations(), []);
});

test('a citation has one form, so that it can be searched for', () => {
  const others = citingFiles().flatMap(({ path, text }) => otherForms(text, path));
  assert.deepEqual(others, []);
});

test('the test sees the citations and the sections that it judges', () => {
  assert.deepEqual(
    citationsOf('a (protocol 7.2), (store 2.6, 2.7), (algorithm 5.3 to 5.4), (algorithm 14, row 6)', 'x').map(
      ({ document, section }) => `${document} ${section}`,
    ),
    ['protocol 7.2', 'store 2.6', 'store 2.7', 'algorithm 5.3', 'algorithm 5.4', 'algorithm 14'],
  );
  assert.ok(citingFiles().flatMap(({ path, text }) => citationsOf(text, path)).length > 100);
  assert.ok(sectionsOf('protocol').has('10.7'), 'a row of the table of commands');
  assert.ok(sectionsOf('store').has('11.5'));
  assert.ok(!sectionsOf('store').has('99'));
});

test('the test sees what is no citation in the one form', () => {
  for (const text of [
    'Protocol 9.2.',
    '(store section 2.6)',
    'as protocol 7.2 has it',
    '(algorithm\n * section 8.5)',
    'see store.md 3.1',
    '(protocol §7)',
    '(store 3.1 and 3.3)',
  ])
    assert.equal(otherForms(text, 'x').length, 1, text);
  assert.deepEqual(otherForms('(protocol 7.2), a store of 3.6, (algorithm 14, row 9)', 'x'), []);
});
