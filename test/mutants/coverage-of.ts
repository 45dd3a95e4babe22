import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { passes } from './passes.ts';

/** Milliseconds for a test file of a sound copy. */
const PATIENCE_MS = 300_000;

interface Range {
  startOffset: number;
  endOffset: number;
  count: number;
}

/** Where one test file comes by in one room, and how long it takes. */
export interface Coverage {
  test: string;
  milliseconds: number;
  /** By path of the module in the copy: of each process, the outer range before those in it. */
  ranges: ReadonlyMap<string, readonly Range[][]>;
}

/** Runs a test file with V8's own counters. @returns undefined if it fails by itself */
export async function coverageOf(copy: string, test: string, folder: string): Promise<Coverage | undefined> {
  const directory = mkdtempSync(join(tmpdir(), 'coverage-'));
  try {
    const started = performance.now();
    if (!(await passes(copy, test, PATIENCE_MS, { NODE_V8_COVERAGE: directory }))) return undefined;
    const milliseconds = performance.now() - started;
    const ranges = new Map<string, Range[][]>();
    for (const file of readdirSync(directory)) {
      for (const { url, functions } of modulesOf(join(directory, file))) {
        if (!url.startsWith('file:')) continue;
        const path = relative(copy, fileURLToPath(url));
        if (!path.startsWith(`${folder}/`)) continue;
        ranges.set(path, [...(ranges.get(path) ?? []), functions.flatMap((each) => each.ranges)]);
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

export function comesBy({ ranges }: Coverage, path: string, offset: number): boolean {
  return (ranges.get(path) ?? []).some((each) => isCounted(each, offset));
}

/** The innermost range decides. */
function isCounted(ranges: readonly Range[], offset: number): boolean {
  let innermost: Range | undefined;
  for (const range of ranges) {
    if (range.startOffset > offset || range.endOffset <= offset) continue;
    const narrower =
      innermost === undefined ||
      range.endOffset - range.startOffset <= innermost.endOffset - innermost.startOffset;
    if (narrower) innermost = range;
  }
  return (innermost?.count ?? 0) > 0;
}
