import { createHash } from 'node:crypto';
import { lstatSync, readdirSync, readlinkSync, statSync } from 'node:fs';
import { basename } from 'node:path';
import { type ByteString, textFromBytes } from '../../byte-string.ts';
import { hasErrno, isMissing } from '../../native/has-errno.ts';
import { readRegular } from '../../native/open-regular.ts';
import { SyncError } from '../../report/sync-error.ts';
import { MAX_SCRIPT_OCTETS } from '../files/limits.ts';
import { onDisk } from '../files/on-disk.ts';
import type { SieveScript, SieveState } from '../master-store.ts';

const SCRIPT_SUFFIX = '.script';
const ACTIVE_LINK = 'defaultbc';
/** Scripts are removed by hand: hardly more than once while they are read. */
const ATTEMPTS = 3;

export const NO_SIEVE: SieveState = { source: 'none', scripts: [], active: undefined };

/**
 * Scripts as files: Cyrus up to 3.4, or a newer one that has not moved them into `#sieve` yet. (Its own client moves
 * them while it syncs; a reader leaves them alone.) What is not found here is removed on the replica, so that a name is
 * none only once the directory does not list it any more.
 */
export function readSieveDirectory(directory: string): SieveState {
  for (let attempt = 1; ; attempt++) {
    const names = list(directory);
    if (names === undefined) return NO_SIEVE;
    const found = names
      .filter((name) => name.endsWith(SCRIPT_SUFFIX))
      .sort()
      .map((name) => ({ name, script: readScript(directory, name) }));
    const lost = found.find(({ script }) => script === 'not-found');
    if (lost === undefined) {
      const scripts = found.map(({ script }) => script).filter((script) => typeof script === 'object');
      const active = scripts.length === 0 ? undefined : activeTarget(directory);
      return { source: 'directory', scripts, active };
    }
    if (attempt === ATTEMPTS) throw notFound(directory, lost.name);
  }
}

function readScript(directory: string, name: ByteString): SieveScript | 'none' | 'not-found' {
  const file = onDisk(directory, name);
  try {
    const stats = lstatSync(file);
    // Cyrus passes over empty scripts too.
    if (!stats.isFile() || stats.size === 0) return 'none';
    const content = readRegular(file, MAX_SCRIPT_OCTETS);
    return {
      filename: name,
      lastUpdate: Math.floor(stats.mtimeMs / 1000),
      guid: sha1(content),
      content,
    };
  } catch (caught) {
    if (isMissing(caught)) return 'not-found';
    throw SyncError.from(caught, { phase: 'sieve' });
  }
}

/** `name.bc`, which need not exist. */
function activeTarget(directory: string): ByteString | undefined {
  try {
    return basename(readlinkSync(onDisk(directory, ACTIVE_LINK), { encoding: 'latin1' }));
  } catch (caught) {
    // EINVAL: something that is not a link.
    if (isMissing(caught) || hasErrno(caught, 'EINVAL')) return undefined;
    throw SyncError.from(caught, { phase: 'sieve' });
  }
}

/** undefined: no such directory. */
function list(directory: string): ByteString[] | undefined {
  try {
    // Most users have none, and an exception for each of them costs more than the question.
    if (statSync(directory, { throwIfNoEntry: false }) === undefined) return undefined;
    return readdirSync(directory, { encoding: 'latin1' });
  } catch (caught) {
    if (isMissing(caught)) return undefined;
    throw SyncError.from(caught, { phase: 'sieve' });
  }
}

function notFound(directory: string, name: ByteString): SyncError {
  return new SyncError('IO', `${directory}/${textFromBytes(name)}: listed there, and cannot be found`, {
    phase: 'sieve',
    retryable: true,
    hint: 'look at the directory on the master; run again if scripts are changed there all the time',
  });
}

export function sha1(content: Buffer): string {
  return createHash('sha1').update(content).digest('hex');
}
