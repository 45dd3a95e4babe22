import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import test from 'node:test';
import { fileURLToPath } from 'node:url';

/**
 * Code and tests say where a fact comes from: `(protocol 7.2)`, `(store 2.6)`, `(algorithm 9)`. Whoever follows such a
 * citation must find the section in `docs/`.
 */
const root = fileURLToPath(new URL('../../../', import.meta.url));
const documents = ['protocol', 'store', 'algorithm'] as const;
type Document = (typeof documents)[number];

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

test('the test sees the citations and the sections that it judges', () => {
  assert.deepEqual(
    citationsOf('a (protocol 7.2), store section 2.6 and algorithm sections 5.3 and 5.4', 'x').map(
      ({ document, section }) => `${document} ${section}`,
    ),
    ['protocol 7.2', 'store 2.6', 'algorithm 5.3', 'algorithm 5.4'],
  );
  assert.ok(allCitations().length > 100);
  assert.ok(sectionsOf('protocol').has('10.7'), 'a row of the table of commands');
  assert.ok(sectionsOf('store').has('11.5'));
  assert.ok(!sectionsOf('store').has('99'));
});

/** Headings, and rows of the tables whose first column holds section numbers. */
function sectionsOf(document: Document): Set<string> {
  const text = readFileSync(join(root, 'docs', `${document}.md`), 'utf8');
  const headings = [...text.matchAll(/^#{2,3} (\d+(?:\.\d+)*)\.? /gm)];
  const rows = [...text.matchAll(/^\| (\d+\.\d+) \|/gm)];
  return new Set([...headings, ...rows].map((match) => match[1] ?? ''));
}

function allCitations(): Citation[] {
  return ['src', 'workers', 'bin', 'test', 'bench']
    .flatMap((directory) =>
      readdirSync(join(root, directory), { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile() && /\.(c?ts|md|sh)$/.test(entry.name))
        .map((entry) => relative(root, join(entry.parentPath, entry.name))),
    )
    .filter((path) => path !== join('test', 'structure', 'citations.test.ts'))
    .flatMap((path) => citationsOf(readFileSync(join(root, path), 'utf8'), path));
}

function citationsOf(text: string, path: string): Citation[] {
  const number = String.raw`\d+(?:\.\d+)*`;
  const citation = new RegExp(
    String.raw`\b(protocol|store|algorithm)\b(?:,? sections?)? (${number}(?:(?:, | and | to )${number})*)`,
    'g',
  );
  return [...text.matchAll(citation)].flatMap(([, document, numbers = ''], i) =>
    numbers.split(/, | and | to /).map((section) => ({
      where: `${path} (citation ${i + 1})`,
      document: document as Document,
      section,
    })),
  );
}
