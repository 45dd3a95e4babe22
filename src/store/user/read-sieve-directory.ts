import { createHash } from 'node:crypto';
import { lstatSync, readdirSync, readlinkSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { bytesFromText } from '../../byte-string.ts';
import { hasErrno, isMissing } from '../../native/has-errno.ts';
import { readRegular } from '../../native/open-regular.ts';
import { SyncError } from '../../report/sync-error.ts';
import { MAX_SCRIPT_OCTETS } from '../files/limits.ts';
import type { SieveScript, SieveState } from '../master-store.ts';

const SCRIPT_SUFFIX = '.script';
const ACTIVE_LINK = 'defaultbc';

export const NO_SIEVE: SieveState = { source: 'none', scripts: [], active: undefined };

/**
 * Scripts as files: Cyrus up to 3.4, or a newer one that has not moved them into `#sieve` yet. (Its own client moves
 * them while it syncs; a reader leaves them alone.)
 */
export function readSieveDirectory(directory: string): SieveState {
  const names = list(directory);
  if (names === undefined) return NO_SIEVE;
  const scripts: SieveScript[] = [];
  for (const name of names.sort()) {
    const script = name.endsWith(SCRIPT_SUFFIX) ? readScript(directory, name) : undefined;
    if (script !== undefined) scripts.push(script);
  }
  const active = scripts.length === 0 ? undefined : activeTarget(directory);
  return { source: 'directory', scripts, active };
}

function readScript(directory: string, name: string): SieveScript | undefined {
  const file = join(directory, name);
  try {
    const stats = lstatSync(file);
    // Cyrus passes over empty scripts too.
    if (!stats.isFile() || stats.size === 0) return undefined;
    const content = readRegular(file, MAX_SCRIPT_OCTETS);
    return {
      filename: bytesFromText(name),
      lastUpdate: Math.floor(stats.mtimeMs / 1000),
      guid: sha1(content),
      content,
    };
  } catch (caught) {
    if (isMissing(caught)) return undefined;
    throw SyncError.from(caught, { phase: 'sieve' });
  }
}

/** `name.bc`, which need not exist. */
function activeTarget(directory: string): string | undefined {
  try {
    return bytesFromText(basename(readlinkSync(join(directory, ACTIVE_LINK))));
  } catch (caught) {
    // EINVAL: something that is not a link.
    if (isMissing(caught) || hasErrno(caught, 'EINVAL')) return undefined;
    throw SyncError.from(caught, { phase: 'sieve' });
  }
}

/** undefined: no such directory. */
function list(directory: string): string[] | undefined {
  try {
    // Most users have none, and an exception for each of them costs more than the question.
    if (statSync(directory, { throwIfNoEntry: false }) === undefined) return undefined;
    return readdirSync(directory);
  } catch (caught) {
    if (isMissing(caught)) return undefined;
    throw SyncError.from(caught, { phase: 'sieve' });
  }
}

export function sha1(content: Buffer): string {
  return createHash('sha1').update(content).digest('hex');
}
