import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Path -> SHA-1 of every file below a directory, except below the paths left out. */
export function fileDigests(directory: string, leftOut: readonly string[]): Map<string, string> {
  const digests = new Map<string, string>();
  for (const entry of readdirSync(directory, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (!entry.isFile() || leftOut.some((each) => path.startsWith(`${each}/`))) continue;
    digests.set(path, createHash('sha1').update(readFileSync(path)).digest('hex'));
  }
  return digests;
}

/** Files added, removed or changed. */
export function changedFiles(
  before: ReadonlyMap<string, string>,
  after: ReadonlyMap<string, string>,
): string[] {
  const paths = new Set([...before.keys(), ...after.keys()]);
  return [...paths].filter((path) => before.get(path) !== after.get(path));
}
