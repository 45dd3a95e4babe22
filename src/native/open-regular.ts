import { closeSync, constants, fstatSync, open, openSync, readFileSync, type Stats, statSync } from 'node:fs';
import { promisify } from 'node:util';
import { SyncError } from '../report/sync-error.ts';
import { hasErrno } from './has-errno.ts';

/**
 * Files of a mail store, its logs and its configuration are opened here, because a FIFO in the place of one would make
 * open(2) or read(2) wait for ever: the user lock stays taken meanwhile, and no signal is heard.
 */
const openSoon = promisify(open);

/** Descriptors that whoever started this process has handed over: `<(...)` of a shell, `/dev/stdin`. */
const HANDED_OVER = /^\/(?:dev\/(?:fd\/[0-9]+|stdin)|proc\/self\/fd\/[0-9]+)$/;
/** Means "nothing", and never blocks. */
const NULL_DEVICE = '/dev/null';

/**
 * Opens a regular file without ever waiting for another process.
 *
 * @param flags of open(2)
 * @param mode of a file that O_CREAT makes
 * @throws SyncError IO for anything but a regular file; what fs throws if it cannot be opened at all
 */
export function openRegular(
  path: string | Buffer,
  flags: number = constants.O_RDONLY,
  mode?: number,
): number {
  return keptIfRegular(path, openWithoutWaiting(path, flags, mode));
}

/**
 * Opens what may be of any kind, for files of which millions are opened. Whoever reads it must call `assertRegular` where
 * it turns out to be empty, too large, or not readable at all; reading never waits either.
 */
export function openWithoutWaiting(
  path: string | Buffer,
  flags: number = constants.O_RDONLY,
  mode?: number,
): number {
  try {
    return openSync(path, flags | constants.O_NONBLOCK, mode);
  } catch (caught) {
    throw withoutReader(path, caught);
  }
}

/** @throws SyncError IO */
export function assertRegular(fd: number, path: string | Buffer): void {
  assertRegularKind(fstatSync(fd), path);
}

/** Checks the kind by what is known of the file already. @throws SyncError IO */
export function assertRegularKind(stats: Stats, path: string | Buffer): void {
  const kind = irregularKind(stats);
  if (kind !== undefined) throw irregular(path, kind);
}

/** Opens for reading, as `openRegular` does, while this thread goes on with other work. */
export async function openRegularSoon(path: string): Promise<number> {
  let fd: number;
  try {
    fd = await openSoon(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (caught) {
    throw withoutReader(path, caught);
  }
  return keptIfRegular(path, fd);
}

/**
 * Reads the whole of a regular file that is small by its nature.
 *
 * @param limitOctets more than any real file of the kind has: a larger one is damaged, and not worth the memory
 * @throws SyncError IO for anything but a regular file, and for one above the limit; else what fs throws
 */
export function readRegular(path: string | Buffer, limitOctets: number): Buffer {
  const fd = openRegular(path);
  try {
    return readDescriptor(fd, path, limitOctets);
  } finally {
    closeSync(fd);
  }
}

/**
 * Reads a file that the administrator has named, which may be a descriptor handed over by the shell, read to its end, or
 * the null device.
 *
 * @throws as `readRegular`
 */
export function readNamedFile(path: string, limitOctets: number): Buffer {
  if (path === NULL_DEVICE) return Buffer.alloc(0);
  return HANDED_OVER.test(path) ? readFileSync(path) : readRegular(path, limitOctets);
}

/** Reads, as `readRegular` does, a file that is open already. */
export function readDescriptor(fd: number, path: string | Buffer, limitOctets: number): Buffer {
  const octets = fstatSync(fd).size;
  if (octets > limitOctets) {
    throw new SyncError('IO', `${path}: expected at most ${limitOctets} octets, found ${octets}`, {
      phase: 'read',
      hint: 'no sound file of this kind is that large: restore it from a backup',
    });
  }
  return readFileSync(fd);
}

/** undefined for a regular file. */
function irregularKind(stats: Stats): string | undefined {
  if (stats.isFile()) return undefined;
  if (stats.isFIFO()) return 'a FIFO';
  if (stats.isDirectory()) return 'a directory';
  if (stats.isSocket()) return 'a socket';
  return 'a device';
}

function keptIfRegular(path: string | Buffer, fd: number): number {
  try {
    assertRegular(fd, path);
    return fd;
  } catch (caught) {
    closeSync(fd);
    throw caught;
  }
}

/** ENXIO: a socket cannot be opened, nor a FIFO that nobody reads be opened for writing. */
function withoutReader(path: string | Buffer, caught: unknown): unknown {
  return hasErrno(caught, 'ENXIO')
    ? irregular(path, irregularKind(statSync(path)) ?? 'something else')
    : caught;
}

function irregular(path: string | Buffer, kind: string): SyncError {
  return new SyncError('IO', `${path}: ${kind}, not a regular file`, {
    phase: 'read',
    hint: 'find out who put it there, remove it, and restore the file from a backup if it held anything',
  });
}
