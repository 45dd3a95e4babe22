import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { PROJECT } from '../options.ts';
import type { Flush } from './flush.ts';

const SOURCE = join(PROJECT, 'bench', 'flush', 'slow-flush.c');

/**
 * The environment in which a server's flushes cost `flush`.
 *
 * @param directory where the preloaded library is compiled to
 * @throws Error if there is no C compiler
 */
export function slowFlush(flush: Flush, directory: string): Record<string, string> {
  if (flush === 'disk' || flush === 0) return {};
  return { LD_PRELOAD: library(directory), SLOW_FLUSH_MICROSECONDS: String(Math.round(flush * 1000)) };
}

function library(directory: string): string {
  const path = join(directory, 'slow-flush.so');
  if (existsSync(path) && statSync(path).mtimeMs > statSync(SOURCE).mtimeMs) return path;
  const compiled = spawnSync('cc', ['-shared', '-fPIC', '-O2', '-o', path, SOURCE, '-ldl'], {
    encoding: 'utf8',
  });
  if (compiled.status !== 0) {
    const reason = compiled.error?.message ?? compiled.stderr;
    throw new Error(`--flush needs a C compiler (cc), to make flushes slow: ${reason}`);
  }
  chmodSync(path, 0o755);
  return path;
}
