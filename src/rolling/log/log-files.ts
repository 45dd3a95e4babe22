import {
  closeSync,
  constants,
  fstatSync,
  fsyncSync,
  openSync,
  readSync,
  rmSync,
  type Stats,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { hasErrno } from '../../native/has-errno.ts';
import { openRegular } from '../../native/open-regular.ts';
import { SyncError } from '../../report/sync-error.ts';
import { READ_CHUNK_OCTETS, READ_SLICE_OCTETS } from '../limits.ts';
import { formatLogLine, type LogLine } from './log-line.ts';
import { LogParser, type ParsedLine } from './log-parser.ts';
import type { LogBacklog } from './sync-log.ts';

/** Cyrus's writers create the log with this mode. */
export const LOG_MODE = 0o640;
const LINE_FEED = 0x0a;

export function openExisting(file: string, flags: number): number | undefined {
  try {
    return openRegular(file, flags, LOG_MODE);
  } catch (caught) {
    if (hasErrno(caught, 'ENOENT')) return undefined;
    throw caught;
  }
}

/** A file beside `target`, to be renamed over it. */
export function writeNew(target: string, lines: Iterable<LogLine>): { path: string; fd: number } {
  const path = `${target}.new`;
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC;
  const fd = openRegular(path, flags, LOG_MODE);
  try {
    let text = '';
    for (const line of lines) {
      text += formatLogLine(line);
      if (text.length < READ_CHUNK_OCTETS) continue;
      writeAll(fd, Buffer.from(text, 'latin1'));
      text = '';
    }
    writeAll(fd, Buffer.from(text, 'latin1'));
    return { path, fd };
  } catch (caught) {
    closeSync(fd);
    rmSync(path, { force: true });
    throw caught;
  }
}

/**
 * From that octet of `from` to its end.
 *
 * @returns where the end was
 */
export function copyFrom(from: number, position: number, to: number): number {
  const chunk = Buffer.alloc(READ_CHUNK_OCTETS);
  for (let at = position; ; ) {
    const count = readSync(from, chunk, 0, chunk.length, at);
    if (count === 0) return at;
    writeAll(to, chunk.subarray(0, count));
    at += count;
  }
}

/** A line break after a last line that has none: another log may be joined behind it. */
export function endLine(from: number, end: number, to: number): void {
  const last = Buffer.of(LINE_FEED);
  if (end > 0) readSync(from, last, 0, 1, end - 1);
  if (last[0] !== LINE_FEED) writeAll(to, Buffer.of(LINE_FEED));
}

export function writeAll(fd: number, bytes: Buffer): void {
  for (let done = 0; done < bytes.length; ) done += writeSync(fd, bytes, done);
}

export function syncParent(file: string): void {
  const fd = openSync(dirname(file), 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/** From the start to the end, in memory that does not grow with the file. */
export async function readLog(fd: number, line: (parsed: ParsedLine) => void): Promise<void> {
  const parser = new LogParser();
  const chunk = Buffer.alloc(READ_CHUNK_OCTETS);
  for (let position = 0; ; ) {
    const count = readSync(fd, chunk, 0, chunk.length, position);
    if (count === 0) break;
    for (const parsed of parser.feed(chunk.subarray(0, count))) line(parsed);
    if (Math.floor(position / READ_SLICE_OCTETS) !== Math.floor((position + count) / READ_SLICE_OCTETS)) {
      await new Promise((resolve) => {
        setImmediate(resolve);
      });
    }
    position += count;
  }
  for (const parsed of parser.end()) line(parsed);
}

export function measure(file: string): LogBacklog {
  const fd = openExisting(file, constants.O_RDONLY);
  if (fd === undefined) return { lines: 0, octets: 0, since: undefined };
  try {
    const chunk = Buffer.alloc(READ_CHUNK_OCTETS);
    let lines = 0;
    let octets = 0;
    for (;;) {
      const count = readSync(fd, chunk, 0, chunk.length, octets);
      if (count === 0) break;
      octets += count;
      const part = chunk.subarray(0, count);
      for (let at = part.indexOf(LINE_FEED); at >= 0; at = part.indexOf(LINE_FEED, at + 1)) lines++;
    }
    return { lines, octets, since: octets > 0 ? writtenSince(fstatSync(fd)) : undefined };
  } finally {
    closeSync(fd);
  }
}

/** The log is created by the writer of its first line. A file system that keeps no birth time says 0 there. */
export function writtenSince(stats: Stats): number {
  return stats.birthtimeMs > 0 ? Math.min(stats.birthtimeMs, stats.mtimeMs) : stats.mtimeMs;
}

export function logError(caught: unknown, file: string): SyncError {
  const error = SyncError.from(caught, { phase: 'log' });
  if (error.code !== 'IO') return error;
  return new SyncError('IO', `sync log ${file}: ${error.message}`, {
    phase: 'log',
    cause: caught,
    hint: 'the user that Cyrus runs as must be able to read and write the log and its directory',
    retryable: true,
  });
}
