import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** Sources are beside `dist`. */
const SOURCE = join(import.meta.dirname, '..', '..', '..', '..', 'test', 'lab', 'preload', 'calls.c');

/**
 * The library of calls.c, for LD_PRELOAD.
 *
 * @param directory to which it is compiled, if it is not there already
 * @throws Error if there is no C compiler
 */
export function preloadLibrary(directory: string): string {
  const path = join(directory, 'calls.so');
  if (existsSync(path) && statSync(path).mtimeMs > statSync(SOURCE).mtimeMs) return path;
  const compiled = spawnSync('cc', ['-shared', '-fPIC', '-O2', '-o', path, SOURCE, '-ldl'], {
    encoding: 'utf8',
  });
  if (compiled.status !== 0) {
    const reason = compiled.error?.message ?? compiled.stderr;
    throw new Error(`a C compiler (cc) is needed, to make calls slow or fail: ${reason}`);
  }
  chmodSync(path, 0o755);
  return path;
}
