import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The project whose tests these are. */
export const PROJECT = fileURLToPath(new URL('../../../', import.meta.url));

export interface SourceFile {
  /** Relative to the project, with `/`. */
  path: string;
  text: string;
  /** Specifiers as they stand there, those of types included. */
  imports: string[];
  /** Paths of the project's own files among them. */
  localImports: string[];
}

/** Reads the TypeScript below some directories of a project. */
export function sourceFiles(directories: readonly string[], project = PROJECT): SourceFile[] {
  return directories
    .filter((directory) => existsSync(join(project, directory)))
    .flatMap((directory) => readdirSync(join(project, directory), { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile() && /\.c?ts$/.test(entry.name))
    .map((entry) => {
      const path = relative(project, join(entry.parentPath, entry.name)).split(sep).join('/');
      const text = readFileSync(join(project, path), 'utf8');
      const imports = importsOf(text);
      const local = imports.filter((specifier) => specifier.startsWith('.'));
      const localImports = local.map((specifier) =>
        normalize(join(dirname(path), specifier))
          .split(sep)
          .join('/'),
      );
      return { path, text, imports, localImports };
    });
}

/** The formatter keeps every import and export-from statement in these shapes. */
function importsOf(text: string): string[] {
  const statements = text.matchAll(
    /^(?:import|export)\s+[^;'"]*?\bfrom\s+'([^']+)'|^import\s+'([^']+)'|\bimport\('([^']+)'\)/gm,
  );
  return [...statements].map(([, from, bare, dynamic]) => from ?? bare ?? dynamic ?? '');
}
