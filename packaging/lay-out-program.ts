import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { isLoadedAtRunTime } from './is-loaded-at-run-time.ts';
import { type Lock, productionPackages } from './production-packages.ts';

/** The program as it is bundled, beside the launchers. The sandbox is not for a mail server. */
const PROGRAM = [
  'bin/cyrus-sync',
  'bin/cyrus-sync.cjs',
  'bin/sync_client',
  'bin/sync_client.cjs',
  'bin/load-program.cjs',
  'bin/make-compiled-code',
  'bin/make-compiled-code.cjs',
  'bin/training',
  'src/bundled',
  'workers/replicate.js',
];

/** The code is made where the program is installed, by the Node that is there; maps are for whoever reads a trace of it. */
const STAYS_BEHIND = /\.(?:code|map)$/;

/** Packages with native parts that are loaded: libc is called through the first, a fleet's queue on one host is in the second. */
const NATIVE = [
  `@koromix/koffi-${process.platform}-${process.arch}`,
  `@lmdb/lmdb-${process.platform}-${process.arch}`,
];

/**
 * Puts the program, and what it loads when it runs, below a folder.
 *
 * @param project built
 * @returns the packages that went along, such as `node_modules/pino`
 */
export function layOutProgram(project: string, folder: string): string[] {
  for (const path of PROGRAM) {
    const filter = (from: string): boolean => !STAYS_BEHIND.test(from);
    cpSync(join(project, 'dist', path), join(folder, path), { recursive: true, filter });
  }
  cpSync(join(project, 'web'), join(folder, 'web'), { recursive: true });
  const manifest: { name: string; version: string; license: string } = readJson(project, 'package.json');
  const { name, version, license } = manifest;
  writeFileSync(
    join(folder, 'package.json'),
    `${JSON.stringify({ name, version, license, type: 'module' }, undefined, 2)}\n`,
  );
  const packages = productionPackages(readJson(project, 'package-lock.json'), (each) =>
    NATIVE.includes(each),
  );
  for (const each of NATIVE) {
    if (!packages.includes(`node_modules/${each}`)) throw new Error(`expected the package ${each}`);
  }
  for (const each of packages) copyPackage(project, each, folder);
  return packages;
}

function copyPackage(project: string, name: string, folder: string): void {
  const from = join(project, name);
  for (const entry of readdirSync(from, { recursive: true, withFileTypes: true })) {
    const path = relative(from, join(entry.parentPath, entry.name));
    // A package within is one of its own, if anything that is wanted depends on it.
    if (!entry.isFile() || path.startsWith('node_modules/') || !isLoadedAtRunTime(name, path)) continue;
    const target = join(folder, name, path);
    mkdirSync(dirname(target), { recursive: true });
    cpSync(join(from, path), target);
  }
}

function readJson<Shape extends Lock | object>(project: string, file: string): Shape {
  return JSON.parse(readFileSync(join(project, file), 'utf8')) as Shape;
}
