import {
  closeSync,
  constants,
  existsSync,
  fstatSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readSync,
  renameSync,
  type Stats,
  statSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { lockSoon } from '../native/lock-wait.ts';
import { unlock } from '../native/locks.ts';
import type { EventListener } from '../report/events.ts';
import { SyncError } from '../report/sync-error.ts';
import { LOG_LOCK_DEADLINE, READ_CHUNK, READ_SLICE, WRITER_ATTEMPTS } from './limits.ts';
import { formatLogLine, type LogLine } from './log-line.ts';
import { LogParser, type ParsedLine } from './log-parser.ts';
import type { LogBacklog, SyncLog, TakenLog } from './sync-log.ts';

/** As Cyrus's writers create it. */
const LOG_MODE = 0o640;
const DIRECTORY_MODE = 0o755;
const LINE_FEED = 0x0a;

/**
 * The log of a channel, shared with Cyrus's writers and with whatever client runs after this one (store section 11.5).
 *
 *     log ──rename──► log-run ──► read ──► all done: unlink
 *
 * Writers open `log`, lock it, and start over if the path has another inode by then. So after the rename one write lock
 * on `log-run` waits for the last writer, and nobody writes to it afterwards.
 *
 * The C client takes the next log only when `log-run` is gone, and one slow user holds up all. Here the new log is
 * joined to what is left instead: with `log` locked against writers, pending lines and its content go into a new file,
 * that replaces `log-run`, and only then is `log` unlinked; waiting writers find the inode gone and create a new one.
 * At every moment `log-run` and `log` together say everything that is not done, which is also all that another client
 * needs to take over.
 */
export class ChannelLog implements SyncLog {
  readonly file: string;
  readonly #run: string;
  readonly #emit: EventListener;
  /** Whether `log-run` is ours, read to the end. */
  #taken = false;

  /** @param file path of the log, see `syncLogPath` */
  constructor(file: string, emit: EventListener) {
    this.file = file;
    this.#run = `${file}-run`;
    this.#emit = emit;
  }

  async take(
    pending: () => Iterable<LogLine>,
    line: (parsed: ParsedLine) => void,
  ): Promise<TakenLog | undefined> {
    try {
      return this.#taken ? await this.#join(pending, line) : await this.#rename(line);
    } catch (caught) {
      throw logError(caught, this.file);
    }
  }

  async #rename(line: (parsed: ParsedLine) => void): Promise<TakenLog | undefined> {
    const leftover = existsSync(this.#run);
    if (leftover) {
      this.#emit({ kind: 'notice', level: 'notice', text: `Reprocessing sync log file ${this.#run}` });
    } else {
      try {
        renameSync(this.file, this.#run);
      } catch (caught) {
        if (isMissing(caught)) return undefined;
        throw caught;
      }
    }
    const fd = openSync(this.#run, constants.O_RDWR);
    try {
      await lockSoon(fd, 'exclusive', LOG_LOCK_DEADLINE, this.#run);
      unlock(fd);
      const since = writtenSince(fstatSync(fd));
      await readLog(fd, line);
      this.#taken = true;
      return { file: this.#run, since, leftover };
    } finally {
      closeSync(fd);
    }
  }

  async #join(
    pending: () => Iterable<LogLine>,
    line: (parsed: ParsedLine) => void,
  ): Promise<TakenLog | undefined> {
    const fd = openExisting(this.file, constants.O_RDWR);
    if (fd === undefined) return undefined;
    try {
      // Created and not yet written to: its writer has it open.
      if (fstatSync(fd).size === 0) return undefined;
      const next = writeNew(this.#run, pending());
      try {
        await lockSoon(fd, 'exclusive', LOG_LOCK_DEADLINE, this.file);
        // Another reader was quicker. What it took is its own business, and this path now names another log.
        if (!isSameFile(fd, this.file)) return undefined;
        copy(fd, next.fd);
        fsyncSync(next.fd);
      } finally {
        closeSync(next.fd);
      }
      renameSync(next.path, this.#run);
      syncParent(this.#run);
      // From here on the new lines are in log-run, and must be read from there should anything fail.
      this.#taken = false;
      unlinkSync(this.file);
      unlock(fd);
      await readLog(fd, line);
      this.#taken = true;
      return { file: this.file, since: writtenSince(fstatSync(fd)), leftover: false };
    } finally {
      closeSync(fd);
    }
  }

  done(): void {
    if (!this.#taken) return;
    try {
      unlinkSync(this.#run);
    } catch (caught) {
      if (!isMissing(caught)) throw logError(caught, this.#run);
    }
    this.#taken = false;
  }

  keep(pending: Iterable<LogLine>): void {
    // Not read to the end: it says more than is pending.
    if (!this.#taken) return;
    try {
      const next = writeNew(this.#run, pending);
      fsyncSync(next.fd);
      closeSync(next.fd);
      renameSync(next.path, this.#run);
      syncParent(this.#run);
    } catch (caught) {
      throw logError(caught, this.#run);
    }
  }

  relog = (lines: readonly LogLine[]): Promise<void> => appendToLog(this.file, lines);

  waiting(): LogBacklog {
    const none: LogBacklog = { lines: 0, bytes: 0, since: undefined };
    const files = this.#taken ? [this.file] : [this.#run, this.file];
    try {
      return files.map(measure).reduce(
        (sum, one) => ({
          lines: sum.lines + one.lines,
          bytes: sum.bytes + one.bytes,
          since: sum.since ?? one.since,
        }),
        none,
      );
    } catch (caught) {
      throw logError(caught, this.file);
    }
  }
}

/**
 * Appends as Cyrus's writers do: locked, to the inode that the path names, synced.
 *
 * @param file path of the log
 * @throws SyncError IO, LOCK_TIMEOUT
 */
export async function appendToLog(file: string, lines: readonly LogLine[]): Promise<void> {
  const bytes = Buffer.from(lines.map(formatLogLine).join(''), 'latin1');
  try {
    for (let attempt = 1; attempt <= WRITER_ATTEMPTS; attempt++) {
      const fd = openForAppending(file);
      try {
        await lockSoon(fd, 'exclusive', LOG_LOCK_DEADLINE, file);
        if (!isSameFile(fd, file)) continue;
        writeAll(fd, bytes);
        fsyncSync(fd);
        return;
      } finally {
        closeSync(fd);
      }
    }
  } catch (caught) {
    throw logError(caught, file);
  }
  throw new SyncError(
    'LOCK_TIMEOUT',
    `${file} was renamed ${WRITER_ATTEMPTS} times while it was being opened`,
    {
      phase: 'log',
      hint: 'is a second sync_client running on the same channel',
      retryable: true,
    },
  );
}

function isSameFile(fd: number, path: string): boolean {
  return fstatSync(fd).ino === statSync(path, { throwIfNoEntry: false })?.ino;
}

function openForAppending(file: string): number {
  const flags = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT;
  const fd = openExisting(file, flags);
  if (fd !== undefined) return fd;
  mkdirSync(dirname(file), { recursive: true, mode: DIRECTORY_MODE });
  return openSync(file, flags, LOG_MODE);
}

function openExisting(file: string, flags: number): number | undefined {
  try {
    return openSync(file, flags, LOG_MODE);
  } catch (caught) {
    if (isMissing(caught)) return undefined;
    throw caught;
  }
}

/** A file beside `target`, to be renamed over it. */
function writeNew(target: string, lines: Iterable<LogLine>): { path: string; fd: number } {
  const path = `${target}.new`;
  const fd = openSync(path, 'w', LOG_MODE);
  try {
    let text = '';
    for (const line of lines) {
      text += formatLogLine(line);
      if (text.length < READ_CHUNK) continue;
      writeAll(fd, Buffer.from(text, 'latin1'));
      text = '';
    }
    writeAll(fd, Buffer.from(text, 'latin1'));
    return { path, fd };
  } catch (caught) {
    closeSync(fd);
    throw caught;
  }
}

/** With a line break after a last line that has none: another log may be joined behind it. */
function copy(from: number, to: number): void {
  const chunk = Buffer.alloc(READ_CHUNK);
  let last = LINE_FEED;
  for (let position = 0; ; ) {
    const count = readSync(from, chunk, 0, chunk.length, position);
    if (count === 0) break;
    writeAll(to, chunk.subarray(0, count));
    last = chunk[count - 1] ?? LINE_FEED;
    position += count;
  }
  if (last !== LINE_FEED) writeAll(to, Buffer.of(LINE_FEED));
}

function writeAll(fd: number, bytes: Buffer): void {
  for (let done = 0; done < bytes.length; ) done += writeSync(fd, bytes, done);
}

function syncParent(file: string): void {
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
  const chunk = Buffer.alloc(READ_CHUNK);
  for (let position = 0; ; ) {
    const count = readSync(fd, chunk, 0, chunk.length, position);
    if (count === 0) break;
    for (const parsed of parser.feed(chunk.subarray(0, count))) line(parsed);
    if (Math.floor(position / READ_SLICE) !== Math.floor((position + count) / READ_SLICE)) {
      await new Promise((resolve) => {
        setImmediate(resolve);
      });
    }
    position += count;
  }
  for (const parsed of parser.end()) line(parsed);
}

function measure(file: string): LogBacklog {
  const fd = openExisting(file, constants.O_RDONLY);
  if (fd === undefined) return { lines: 0, bytes: 0, since: undefined };
  try {
    const chunk = Buffer.alloc(READ_CHUNK);
    let lines = 0;
    let bytes = 0;
    for (;;) {
      const count = readSync(fd, chunk, 0, chunk.length, bytes);
      if (count === 0) break;
      bytes += count;
      const part = chunk.subarray(0, count);
      for (let at = part.indexOf(LINE_FEED); at >= 0; at = part.indexOf(LINE_FEED, at + 1)) lines++;
    }
    return { lines, bytes, since: bytes > 0 ? writtenSince(fstatSync(fd)) : undefined };
  } finally {
    closeSync(fd);
  }
}

/** The log is created by the writer of its first line. A file system that keeps no birth time says 0 there. */
function writtenSince(stats: Stats): number {
  return stats.birthtimeMs > 0 ? Math.min(stats.birthtimeMs, stats.mtimeMs) : stats.mtimeMs;
}

function isMissing(caught: unknown): boolean {
  return caught instanceof Error && 'code' in caught && caught.code === 'ENOENT';
}

function logError(caught: unknown, file: string): SyncError {
  const error = SyncError.from(caught, { phase: 'log' });
  if (error.code !== 'IO') return error;
  return new SyncError('IO', `sync log ${file}: ${error.message}`, {
    phase: 'log',
    cause: caught,
    hint: 'the user that Cyrus runs as must be able to read and write the log and its directory',
    retryable: true,
  });
}
