import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import test from 'node:test';
import { fileURLToPath } from 'node:url';

/**
 * Code and tests say where a fact comes from: `(protocol 7.2)`, `(store 3.1, 3.3)`, `(protocol 9.1 to 9.3)`,
 * `(algorithm 14, row 6)`. Whoever follows such a citation must find the section in `docs/`.
 */
const root = fileURLToPath(new URL('../../../', import.meta.url));
const documents = ['protocol', 'store', 'algorithm'] as const;
type Document = (typeof documents)[number];

const NUMBER = String.raw`\d+(?:\.\d+)*`;
const CITATION = new RegExp(
  String.raw`\((${documents.join('|')}) (${NUMBER}(?:(?:, | to )${NUMBER})*)(?:, (?:row|step) \d+)?\)`,
  'g',
);
const LIKE_CITATION =
  /\b(?:[Pp]rotocol|[Ss]tore|[Aa]lgorithm)(?:\.md)?,?[\s*/]+(?:sections?\b|§)?[\s*/]*\d+/g;

interface Citation {
  where: string;
  document: Document;
  section: string;
}

test('every section that is cited exists', () => {
  const sections = new Map(documents.map((document) => [document, sectionsOf(document)]));
  const dangling = allCitations()
    .filter(({ document, section }) => !sections.get(document)?.has(section))
    .map(({ where, document, section }) => `${where} cites ${document} ${section}`);
  assert.deepEqual(dangling, []);
});

test('a citation has one form, so that it can be searched for', () => {
  const others = sources().flatMap((path) => otherForms(readFileSync(join(root, path), 'utf8'), path));
  assert.deepEqual(others, []);
});

test('the test sees the citations and the sections that it judges', () => {
  assert.deepEqual(
    citationsOf('a (protocol 7.2), (store 2.6, 2.7), (algorithm 5.3 to 5.4), (algorithm 14, row 6)', 'x').map(
      ({ document, section }) => `${document} ${section}`,
    ),
    ['protocol 7.2', 'store 2.6', 'store 2.7', 'algorithm 5.3', 'algorithm 5.4', 'algorithm 14'],
  );
  assert.ok(allCitations().length > 100);
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

/** Headings, and rows of the tables whose first column holds section numbers. */
function sectionsOf(document: Document): Set<string> {
  const text = readFileSync(join(root, 'docs', `${document}.md`), 'utf8');
  const headings = [...text.matchAll(/^#{2,3} (\d+(?:\.\d+)*)\.? /gm)];
  const rows = [...text.matchAll(/^\| (\d+\.\d+) \|/gm)];
  return new Set([...headings, ...rows].map((match) => match[1] ?? ''));
}

function allCitations(): Citation[] {
  return sources().flatMap((path) => citationsOf(readFileSync(join(root, path), 'utf8'), path));
}

function sources(): string[] {
  return ['src', 'workers', 'bin', 'test', 'bench']
    .flatMap((directory) =>
      readdirSync(join(root, directory), { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile() && /\.(c?ts|md|sh)$/.test(entry.name))
        .map((entry) => relative(root, join(entry.parentPath, entry.name))),
    )
    .filter((path) => path !== join('test', 'structure', 'citations.test.ts'));
}

function citationsOf(text: string, path: string): Citation[] {
  return [...text.matchAll(CITATION)].flatMap(([, document, numbers = '']) =>
    numbers.split(/, | to /).map((section) => ({ where: path, document: document as Document, section })),
  );
}

function otherForms(text: string, path: string): string[] {
  const proper = new Set([...text.matchAll(CITATION)].map(({ index }) => index + 1));
  return [...text.matchAll(LIKE_CITATION)]
    .filter(({ index }) => !proper.has(index))
    .map(([found]) => `${path}: ${found}`);
}
