import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { transformSync } from 'esbuild';
import type { Mutant, Patch } from './mutants.ts';

const root = fileURLToPath(new URL('../../../', import.meta.url));

/**
 * The sources with the mutant in them, by file.
 * @throws if what it changes is not there exactly once: the source has moved on
 */
export function mutatedSources({ name, also = [], ...first }: Mutant): Map<string, string> {
  return new Map([first, ...also].map((patch) => [patch.file, patched(name, patch)]));
}

function patched(name: string, { file, changes }: Patch): string {
  let source = readFileSync(join(root, file), 'utf8');
  for (const [find, replace] of changes) {
    const parts = source.split(find);
    if (parts.length !== 2)
      throw new Error(`${name}: ${JSON.stringify(find)} is ${parts.length - 1} times in ${file}`);
    source = parts.join(replace);
  }
  return source;
}

/** Copies what is built, with the mutant in it, for as long as `use` takes. */
export function withMutant<T>(mutant: Mutant, use: (entry: string) => T): T {
  const folder = mkdtempSync(join(tmpdir(), 'mutant-'));
  try {
    for (const part of ['dist/src', 'dist/test/sim', 'dist/test/lab']) {
      cpSync(join(root, part), join(folder, part), { recursive: true });
    }
    cpSync(join(root, 'package.json'), join(folder, 'package.json'));
    symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
    for (const [file, source] of mutatedSources(mutant)) {
      const { code } = transformSync(source, { loader: 'ts', format: 'esm', target: 'node20' });
      const built = join(folder, 'dist', file.replace(/\.ts$/, '.js'));
      writeFileSync(built, code.replace(/(["'])(\.[^"']*)\.ts\1/g, '$1$2.js$1'));
    }
    return use(join(folder, 'dist/test/sim/main.js'));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
