import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { SourceMap } from 'node:module';
import { join } from 'node:path';
import type { Mutation } from './mutations-of.ts';

/** Characters of a source within which a place is looked for from where the map says that it begins. */
const NEAR = 120;

/** Tells whether the same change of the source is one that the compiler does not take: nobody could make it by mistake. */
export function isRefusedByCompiler(copy: string, path: string, mutation: Mutation): boolean {
  const source = join(copy, path.replace(/^dist\//, '').replace(/\.js$/, '.ts'));
  const sound = readFileSync(source, 'utf8');
  const start = placeInSource(
    readFileSync(join(copy, path), 'utf8'),
    join(copy, `${path}.map`),
    sound,
    mutation,
  );
  if (start === undefined) return false;
  const { end, text } = mutation;
  writeFileSync(source, sound.slice(0, start) + text + sound.slice(start + end - mutation.start));
  try {
    const { status } = spawnSync(
      process.execPath,
      [join(copy, 'node_modules', 'typescript', 'bin', 'tsc'), '--noEmit', '-p', join(copy, 'tsconfig.json')],
      { stdio: 'ignore' },
    );
    return status !== 0;
  } finally {
    writeFileSync(source, sound);
  }
}

/** @returns undefined where the compiler has written it otherwise */
function placeInSource(
  built: string,
  map: string,
  source: string,
  { start, end }: Mutation,
): number | undefined {
  const before = built.slice(0, start).split('\n');
  const entry = new SourceMap(JSON.parse(readFileSync(map, 'utf8'))).findEntry(
    before.length - 1,
    before.at(-1)?.length ?? 0,
  );
  if (!('originalLine' in entry)) return undefined;
  const lines = source.split('\n').slice(0, entry.originalLine);
  const from = lines.reduce((sum, line) => sum + line.length + 1, entry.originalColumn);
  const text = built.slice(start, end);
  const at = source.indexOf(text, from);
  return at === -1 || at > from + NEAR ? undefined : at;
}
