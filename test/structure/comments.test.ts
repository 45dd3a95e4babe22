import assert from 'node:assert/strict';
import test from 'node:test';
import { sourceFiles } from './source-files.ts';

/**
 * A comment is read once and understood: it begins with a subject, not in the middle of a thought. And whoever is spoken of
 * may be a woman.
 */
const FRAGMENT = /\/\*\*\s+(?:\* )?((?:Of|Whether|The same|What) [^\n]*)/g;
const GENDERED = /^\s*(?:\/?\*\*?|\/\/) .*\b(?:he|his|him|she|hers?)\b.*$/gim;

const files = sourceFiles(['src', 'workers', 'bin', 'test', 'bench', 'packaging']).filter(
  ({ path }) => !path.startsWith('test/structure/comments'),
);

test('no comment before a declaration opens with Of, Whether, The same or What', () => {
  const found = files.flatMap(({ path, text }) =>
    [...text.matchAll(FRAGMENT)].map(([, opening]) => `${path}: ${opening}`),
  );
  assert.deepEqual(found, []);
});

test('no comment takes users for men or women', () => {
  const found = files.flatMap(({ path, text }) =>
    [...text.matchAll(GENDERED)].map(([line]) => `${path}: ${line.trim()}`),
  );
  assert.deepEqual(found, []);
});

test('the test sees the comments that it judges', () => {
  for (const text of ['/** Of each user. */', '/**\n * What is sent.\n */', '/** Whether it is. */'])
    assert.equal([...text.matchAll(FRAGMENT)].length, 1, text);
  assert.equal([...'/** Ends the work of each user. Whether all. */'.matchAll(FRAGMENT)].length, 0);
  assert.equal([...'  // He reads his mail.'.matchAll(GENDERED)].length, 1);
});
