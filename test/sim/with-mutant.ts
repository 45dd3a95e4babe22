import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { transformSync } from 'esbuild';
import type { Mutant } from './mutants.ts';

const root = fileURLToPath(new URL('../../../', import.meta.url));

/**
 * The source with the mutant in it.
 * @throws if what it changes is not there exactly once: the source has moved on
 */
export function mutatedSource({ name, file, changes }: Mutant): string {
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
    const { code } = transformSync(mutatedSource(mutant), { loader: 'ts', format: 'esm', target: 'node20' });
    const built = join(folder, 'dist', mutant.file.replace(/\.ts$/, '.js'));
    writeFileSync(built, code.replace(/(["'])(\.[^"']*)\.ts\1/g, '$1$2.js$1'));
    return use(join(folder, 'dist/test/sim/main.js'));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
