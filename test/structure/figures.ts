import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { argumentsOf } from '../lab/arguments-of.ts';
import { citationsOf, citingFiles, danglingCitations, otherForms } from './citations.ts';
import { cycles } from './cycles.ts';
import { isNamedAfterExport } from './is-named-after-export.ts';
import { PROJECT, type SourceFile, sourceFiles } from './source-files.ts';

/**
 * The house in figures: `npm run figures`, or `npm run figures -- DIRECTORY` for another state of it. A room's parts are its
 * folders and the files beside them; arrows are imports from one part to another, floors the parts of the longest way along
 * arrows.
 */
function main(project: string): void {
  const src = sourceFiles(['src'], project);
  const all = sourceFiles(['src', 'workers', 'bin', 'test', 'bench', 'packaging'], project);
  const rooms = [...new Set(src.map(({ path }) => path.split('/')[1] ?? ''))].filter(
    (name) => !name.endsWith('.ts'),
  );
  say('room', 'files', 'parts', 'floors', 'arrows');
  for (const room of rooms.sort()) {
    const files = src.filter(({ path }) => path.startsWith(`src/${room}/`));
    const graph = partsOf(room, files);
    const arrows = [...graph.values()].reduce((sum, { size }) => sum + size, 0);
    say(room, files.length, graph.size, floorsOf(graph), arrows);
  }
  const lines = src.map(({ text }) => text.split('\n').length - 1).sort((a, b) => a - b);
  const unlike = all.filter(
    ({ path, text }) => !path.endsWith('.test.ts') && !isNamedAfterExport(path, text),
  );
  const citing = citingFiles(project);
  const cited = citing.flatMap(({ path, text }) => citationsOf(text, path)).length;
  const circlesIn = (...directories: string[]): number => {
    const within = sourceFiles(directories, project);
    return cycles(new Map(within.map(({ path, localImports }) => [path, localImports]))).length;
  };
  say();
  say('source files', src.length);
  say('lines of the median file', lines[Math.floor(lines.length / 2)] ?? 0);
  say('lines of the longest file', lines.at(-1) ?? 0);
  say('files not called after an export, src', unlike.filter(({ path }) => path.startsWith('src/')).length);
  say('files not called after an export, all', unlike.length);
  say('import circles, src', circlesIn('src', 'workers', 'bin'));
  say('import circles, test and bench', circlesIn('test', 'bench'));
  say('citations', cited);
  say('citations, dangling', danglingCitations(project).length);
  say('citations, of another form', citing.flatMap(({ path, text }) => otherForms(text, path)).length);
  say('doors', src.filter(({ text }) => /^\/\*\*\n \* The door of /.test(text)).length);
}

/** Each part of a room with the others that it imports. */
function partsOf(room: string, files: readonly SourceFile[]): Map<string, Set<string>> {
  const partOf = (path: string): string => path.split('/').slice(0, 3).join('/');
  const graph = new Map(files.map(({ path }) => [partOf(path), new Set<string>()]));
  for (const { path, localImports } of files) {
    for (const target of localImports) {
      const [from, to] = [partOf(path), partOf(target)];
      if (to.startsWith(`src/${room}/`) && from !== to) graph.get(from)?.add(to);
    }
  }
  return graph;
}

function floorsOf(graph: ReadonlyMap<string, ReadonlySet<string>>): number {
  const known = new Map<string, number>();
  const below = (part: string, trail: readonly string[]): number => {
    if (trail.includes(part)) return 0;
    const found = known.get(part);
    if (found !== undefined) return found;
    const floors =
      1 + Math.max(0, ...[...(graph.get(part) ?? [])].map((next) => below(next, [...trail, part])));
    known.set(part, floors);
    return floors;
  };
  return Math.max(0, ...[...graph.keys()].map((part) => below(part, [])));
}

function say(what = '', ...figures: (string | number)[]): void {
  process.stdout.write(`${what.padEnd(40)}${figures.map((figure) => String(figure).padStart(8)).join('')}\n`);
}

const { positionals } = argumentsOf('usage: npm run figures -- [DIRECTORY]', {
  options: {},
  allowPositionals: true,
});
const [given] = positionals;
const project = given === undefined ? PROJECT : resolve(given);
if (!existsSync(join(project, 'src'))) {
  console.error(`expected a DIRECTORY with the sources of this program, found no src in ${project}`);
  process.exit(64);
}
main(project);
