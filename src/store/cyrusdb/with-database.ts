/**
 * The door of `store/cyrusdb`. Here are Cyrus's databases: twoskip, skiplist, flat, quotalegacy, found out by their magic.
 * It may read files and take the shared lock, and never writes, not even to repair. A reader sees whole transactions;
 * absence of a key is proven by the records around it; what does not match its checksum or its order is DATABASE_DAMAGED.
 */

import { closeSync, fstatSync, readSync, statSync } from 'node:fs';
import { hasErrno } from '../../native/has-errno.ts';
import { lockScope, type Synchronous } from '../../native/lock-scope.ts';
import { openRegular, readDescriptor } from '../../native/open-regular.ts';
import { isStillAt, REPLACED, untilNotReplaced } from '../../native/until-not-replaced.ts';
import { lockNow } from '../../native/when-locked.ts';
import { SyncError } from '../../report/sync-error.ts';
import { MAX_FLAT_DATABASE_OCTETS } from '../files/limits.ts';
import { BlockFile } from './block-file.ts';
import type { CyrusDatabase } from './cyrus-database.ts';
import { cutShort, damaged, unreadable } from './damaged.ts';
import { detectFormat, type Format, MAGIC_OCTETS } from './detect-format.ts';
import { compareMailboxOrder, compareSigned, compareUnsigned } from './key-comparator.ts';
import { MapDatabase } from './map-database.ts';
import { openSkiplist } from './open-skiplist.ts';
import { readFlat } from './read-flat.ts';
import { TwoskipDatabase } from './twoskip-database.ts';

export type { CyrusDatabase } from './cyrus-database.ts';

/** `mailbox`: written by Cyrus up to 3.4 with `improved_mboxlist_sort`. Default: the order of the format. */
export type KeyOrder = 'format' | 'mailbox';

export interface DatabaseOptions {
  /** The format that a file without a magic must have. Default flat, the only one that has none. */
  format?: Format;
  order?: KeyOrder;
  /**
   * The least that a file that was not cut has. Readers that would take "no rows" for a reason to remove things elsewhere
   * ask for it: a full disk or a careless copy leaves a file of no octets. Default: nothing.
   */
  atLeast?: 'header' | 'rows';
}

/** A repack replaces the file; one that does so this often in a row is not a repack. */
export const MAX_REPLACEMENTS = 100;

/**
 * Opens a cyrusdb file, shared lock included where Cyrus takes one, runs `read` and closes. Nothing of the database may
 * be used after `read` has returned, nor may `read` wait for anything: it holds up every Cyrus writer
 * (store 2.6). Never writes, not even to repair.
 *
 * @returns what `read` returned; undefined if there is no such file
 * @throws SyncError DATABASE_DAMAGED, DATABASE_UNSUPPORTED, LOCK_TIMEOUT, IO
 */
export function withDatabase<T extends Synchronous>(
  path: string,
  read: (database: CyrusDatabase) => T,
  options: DatabaseOptions = {},
): T | undefined {
  return untilNotReplaced(path, MAX_REPLACEMENTS, () => {
    const fd = openIfThere(path);
    if (fd === undefined) return undefined;
    try {
      const opened = openDatabase(fd, path, options);
      if (opened === undefined) return REPLACED;
      using _ = opened.file;
      return lockScope(() => read(opened.database));
    } finally {
      closeSync(fd);
    }
  });
}

export function openIfThere(path: string): number | undefined {
  try {
    // Many users lack some of their files, and an exception for each costs more than the question.
    if (statSync(path, { throwIfNoEntry: false }) === undefined) return undefined;
    return openRegular(path);
  } catch (caught) {
    if (hasErrno(caught, 'ENOENT')) return undefined;
    throw SyncError.from(caught, { phase: 'read', hint: 'run this as the user that Cyrus runs as' });
  }
}

export interface OpenedDatabase {
  database: CyrusDatabase;
  /** The file that `database` goes on reading from; undefined if all of it is in memory. */
  file?: BlockFile;
}

/** @returns undefined if it must be opened again: the file was replaced before it could be locked */
function openDatabase(fd: number, path: string, options: DatabaseOptions): OpenedDatabase | undefined {
  try {
    const format = formatOf(fd, path, options.format ?? 'flat');
    if (format === 'flat') return openFlat(fd, path, options);
    lockNow(fd, 'shared', path);
    const stats = fstatSync(fd, { bigint: true });
    return isStillAt(path, stats) ? openLocked(fd, path, Number(stats.size), format, options) : undefined;
  } catch (caught) {
    throw unreadable(path, caught);
  }
}

/** @throws SyncError DATABASE_DAMAGED, DATABASE_UNSUPPORTED, IO */
export function formatOf(fd: number, path: string, expected: Format): Format {
  const start = Buffer.alloc(MAGIC_OCTETS);
  const length = readStart(fd, path, start);
  // Created a moment ago: its writer holds the lock, and will have written the magic when we get it.
  if (length === 0) return expected;
  const format = detectFormat(path, start.subarray(0, length));
  if (format !== undefined) return format;
  if (expected !== 'flat') {
    throw damaged(path, 0, `expected the magic of a ${expected} file, found ${start.toString('hex')}`);
  }
  return 'flat';
}

function readStart(fd: number, path: string, start: Buffer): number {
  try {
    return readSync(fd, start, 0, start.length, 0);
  } catch (caught) {
    throw unreadable(path, caught);
  }
}

function openFlat(fd: number, path: string, options: DatabaseOptions): OpenedDatabase | undefined {
  let octets = fstatSync(fd).size;
  if (octets === 0) {
    // Only its writer knows of which format it is going to be: one of another format holds the lock until that shows.
    lockNow(fd, 'shared', path);
    octets = fstatSync(fd).size;
    if (octets > 0 || !isStillAt(path, fd)) return undefined;
  }
  if (octets > MAX_FLAT_DATABASE_OCTETS) {
    throw damaged(path, 0, `expected at most ${MAX_FLAT_DATABASE_OCTETS} octets, found ${octets}`);
  }
  const content = readDescriptor(fd, path, MAX_FLAT_DATABASE_OCTETS);
  // It was empty when its magic was looked for, and is not a flat file after all.
  if (detectFormat(path, content.subarray(0, MAGIC_OCTETS)) !== undefined) return undefined;
  const compare = options.order === 'mailbox' ? compareMailboxOrder : compareUnsigned;
  return checked(path, content.length, { database: readFlat(path, content, compare) }, options);
}

export function openLocked(
  fd: number,
  path: string,
  size: number,
  format: 'twoskip' | 'skiplist',
  options: DatabaseOptions,
): OpenedDatabase {
  if (size === 0) {
    return checked(path, size, { database: new MapDatabase(new Map(), compareUnsigned) }, options);
  }
  const file = new BlockFile(fd, path, size);
  const ofFormat = format === 'twoskip' ? compareUnsigned : compareSigned;
  const compare = options.order === 'mailbox' ? compareMailboxOrder : ofFormat;
  const database = format === 'twoskip' ? new TwoskipDatabase(file, compare) : openSkiplist(file, compare);
  return checked(path, size, { database, file }, options);
}

function checked(
  path: string,
  size: number,
  opened: OpenedDatabase,
  { atLeast }: DatabaseOptions,
): OpenedDatabase {
  if (atLeast === 'header' && size === 0) throw cutShort(path, 'a database', 'a file of no octets');
  if (atLeast === 'rows' && opened.database.entries('').next().done) {
    throw cutShort(path, 'at least one row', size === 0 ? 'a file of no octets' : 'none');
  }
  return opened;
}
