import { readdirSync } from 'node:fs';
import { join } from 'node:path';

/** Directories of server processes among the message files, which go when these end, at any time. */
const STAGES = new Set(['sync.', 'stage.']);

/** Paths of all files of a store below a directory, but those on their way into it. */
export function filesBelow(directory: string): string[] {
  return readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
    const path = join(directory, entry.name);
    if (entry.isFile()) return [path];
    return entry.isDirectory() && !STAGES.has(entry.name) ? filesBelow(path) : [];
  });
}
