import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import type { CyrusServer } from './cyrus-server.ts';
import { untilStagesAreEmpty } from './until-stages-are-empty.ts';

/** Below the configuration directory: what running processes leave, locks, and logs. */
const PASSING = ['lock', 'proc', 'log', 'socket', 'sync'];

/**
 * Files that a server makes of the scripts in `#sieve` by itself, when somebody asks it for them: an index of them, and the active
 * one compiled. The directories that these need are theirs too.
 */
const MADE_OF_SCRIPTS = /\/dav\.db$|^conf\/sieve\/.*\.bc$/;

/** Every file and directory of a store with a digest of its octets. */
export async function storeDigest(server: CyrusServer): Promise<Record<string, string>> {
  await untilStagesAreEmpty(server);
  const found: Record<string, string> = {};
  const passing = new Set(PASSING.map((name) => join(server.configDirectory, name)));
  const walk = (directory: string): void => {
    for (const entry of readdirSync(directory, { withFileTypes: true })) {
      const path = join(directory, entry.name);
      const name = relative(server.directory, path);
      if (passing.has(path) || entry.name.endsWith('.lock') || MADE_OF_SCRIPTS.test(name)) continue;
      if (entry.isDirectory()) {
        if (!name.startsWith('conf/')) found[`${name}/`] = 'directory';
        walk(path);
      } else if (entry.isFile()) {
        found[name] = createHash('sha256').update(readFileSync(path)).digest('hex');
      }
    }
  };
  for (const part of ['conf', 'spool', 'meta', 'archive']) walk(join(server.directory, part));
  return found;
}

/** Names of what is in one of them alone, or is not the same in both. */
export function changedFiles(before: Record<string, string>, after: Record<string, string>): string[] {
  const names = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...names].filter((name) => before[name] !== after[name]);
}
