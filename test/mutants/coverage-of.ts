import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

interface Range {
  startOffset: number;
  endOffset: number;
  count: number;
}

/** Where one test file comes by in one module, and how long it takes. */
export interface Coverage {
  test: string;
  milliseconds: number;
  /** By path of the module, the outer range before those in it. */
  ranges: ReadonlyMap<string, readonly Range[]>;
}

/** Runs a test file with V8's own counters. @returns undefined if it fails by itself */
export function coverageOf(test: string, module: (path: string) => boolean): Coverage | undefined {
  const directory = mkdtempSync(join(tmpdir(), 'coverage-'));
  try {
    const started = performance.now();
    const { status } = spawnSync(process.execPath, [test], {
      env: { ...process.env, NODE_V8_COVERAGE: directory },
      stdio: 'ignore',
    });
    if (status !== 0) return undefined;
    const milliseconds = performance.now() - started;
    const ranges = new Map<string, Range[]>();
    for (const file of readdirSync(directory)) {
      for (const { url, functions } of modulesOf(join(directory, file))) {
        const path = url.replace(/^file:\/\//, '');
        if (!module(path)) continue;
        ranges.set(path, [...(ranges.get(path) ?? []), ...functions.flatMap((each) => each.ranges)]);
      }
    }
    return { test, milliseconds, ranges };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

interface ModuleCoverage {
  url: string;
  functions: { ranges: Range[] }[];
}

/** None of a process that a test has killed while it wrote, or whose files it allowed no more octets. */
function modulesOf(file: string): ModuleCoverage[] {
  try {
    const { result }: { result: ModuleCoverage[] } = JSON.parse(readFileSync(file, 'utf8'));
    return result;
  } catch (caught) {
    if (caught instanceof SyntaxError) return [];
    throw caught;
  }
}

/** The innermost range decides. */
export function comesBy({ ranges }: Coverage, path: string, offset: number): boolean {
  let innermost: Range | undefined;
  for (const range of ranges.get(path) ?? []) {
    if (range.startOffset > offset || range.endOffset <= offset) continue;
    const narrower =
      innermost === undefined ||
      range.endOffset - range.startOffset <= innermost.endOffset - innermost.startOffset;
    if (narrower) innermost = range;
  }
  return (innermost?.count ?? 0) > 0;
}
