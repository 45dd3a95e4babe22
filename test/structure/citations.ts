import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { PROJECT } from './source-files.ts';

export const DOCUMENTS = ['protocol', 'store', 'algorithm'] as const;
export type Document = (typeof DOCUMENTS)[number];

const NUMBER = String.raw`\d+(?:\.\d+)*`;
const CITATION = new RegExp(
  String.raw`\((${DOCUMENTS.join('|')}) (${NUMBER}(?:(?:, | to )${NUMBER})*)(?:, (?:row|step) \d+)?\)`,
  'g',
);
const LIKE_CITATION =
  /\b(?:[Pp]rotocol|[Ss]tore|[Aa]lgorithm)(?:\.md)?,?[\s*/]+(?:sections?\b|§)?[\s*/]*\d+/g;

/** A reference to a section of a document in `docs/`, in the one form that it has. */
export interface Citation {
  where: string;
  document: Document;
  section: string;
}

/** Headings, and rows of the tables whose first column holds section numbers. */
export function sectionsOf(document: Document, project = PROJECT): Set<string> {
  const path = join(project, 'docs', `${document}.md`);
  const text = existsSync(path) ? readFileSync(path, 'utf8') : '';
  const headings = [...text.matchAll(/^#{2,3} (\d+(?:\.\d+)*)\.? /gm)];
  const rows = [...text.matchAll(/^\| (\d+\.\d+) \|/gm)];
  return new Set([...headings, ...rows].map((match) => match[1] ?? ''));
}

/** Text of all that cites. */
export function citingFiles(project = PROJECT): { path: string; text: string }[] {
  return ['src', 'workers', 'bin', 'test', 'bench']
    .filter((directory) => existsSync(join(project, directory)))
    .flatMap((directory) => readdirSync(join(project, directory), { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile() && /\.(c?ts|md|sh)$/.test(entry.name))
    .map((entry) => relative(project, join(entry.parentPath, entry.name)))
    .filter((path) => path !== join('test', 'structure', 'citations.test.ts'))
    .map((path) => ({ path, text: readFileSync(join(project, path), 'utf8') }));
}

export function citationsOf(text: string, path: string): Citation[] {
  return [...text.matchAll(CITATION)].flatMap(([, document, numbers = '']) =>
    numbers.split(/, | to /).map((section) => ({ where: path, document: document as Document, section })),
  );
}

/** Finds what looks like a citation and has another form. */
export function otherForms(text: string, path: string): string[] {
  const proper = new Set([...text.matchAll(CITATION)].map(({ index }) => index + 1));
  return [...text.matchAll(LIKE_CITATION)]
    .filter(({ index }) => !proper.has(index))
    .map(([found]) => `${path}: ${found}`);
}

/** Finds citations of sections that do not exist. */
export function danglingCitations(project = PROJECT): string[] {
  const sections = new Map(DOCUMENTS.map((document) => [document, sectionsOf(document, project)]));
  return citingFiles(project)
    .flatMap(({ path, text }) => citationsOf(text, path))
    .filter(({ document, section }) => !sections.get(document)?.has(section))
    .map(({ where, document, section }) => `${where} cites ${document} ${section}`);
}
