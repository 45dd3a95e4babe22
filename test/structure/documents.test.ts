import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import test from 'node:test';
import { fileURLToPath } from 'node:url';

/**
 * Whoever is led from a page to the code must arrive: a file that is named there exists, and so does the thing of ours
 * whose name stands there, between backquotes.
 */
const root = fileURLToPath(new URL('../../../', import.meta.url));
/** These are about Cyrus, and name its files and what is in them. */
const aboutCyrus = ['protocol.md', 'store.md', 'algorithm.md'];
const pages = [
  ...['CONTRIBUTING.md', 'README.md', 'SECURITY.md', 'CHANGELOG.md'],
  ...readdirSync(join(root, 'docs'))
    .filter((name) => name.endsWith('.md') && !aboutCyrus.includes(name))
    .map((name) => `docs/${name}`),
];
/** The name of a file that is yet to be written, on a page. */
const PLACEHOLDER = /[A-Z]{4,}/;
const FILE = /^[\w./-]+\.(?:c?ts|md)$/;
/** `planFolders`, `RunPlan`, `MAX_ANSWER_OCTETS`. */
const NAME = /^(?:[a-z]+(?:[A-Z][a-z0-9]*)+|(?:[A-Z][a-z0-9]+){2,}|[A-Z]+(?:_[A-Z]+){2,})$/;

const files = ['src', 'workers', 'bin', 'test', 'bench', 'docs', 'packaging'].flatMap(filesBelow);

test('each file that a page names exists', () => {
  const missing = named(FILE)
    .filter(({ name }) => !PLACEHOLDER.test(name))
    .filter(({ name }) => !files.some((path) => path === name || path.endsWith(`/${name}`)))
    .map(({ page, name }) => `${page}: ${name}`);
  assert.deepEqual(missing, []);
});

test('each name of the code that a page names is in the code', () => {
  const code = new Set(
    files
      .filter((path) => /\.(?:c?ts|yml)$/.test(path))
      .flatMap((path) => readFileSync(join(root, path), 'utf8').match(/\w+/g) ?? []),
  );
  const missing = named(NAME)
    .filter(({ name }) => !code.has(name))
    .map(({ page, name }) => `${page}: ${name}`);
  assert.deepEqual(missing, []);
});

test('the test sees what pages name', () => {
  const seen = new Set([...named(FILE), ...named(NAME)].map(({ name }) => name));
  for (const name of ['cli/main.ts', 'planFolders', 'RunPlan', 'MAX_ANSWER_OCTETS'])
    assert.ok(seen.has(name), name);
});

function named(what: RegExp): { page: string; name: string }[] {
  return pages.flatMap((page) =>
    [...readFileSync(join(root, page), 'utf8').matchAll(/`([^`\n]+)`/g)]
      .map(([, name = '']) => ({ page, name: name.replace(/\(\)$/, '') }))
      .filter(({ name }) => what.test(name)),
  );
}

function filesBelow(directory: string): string[] {
  return readdirSync(join(root, directory), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(root, join(entry.parentPath, entry.name)));
}
