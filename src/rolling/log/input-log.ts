import { closeSync, createReadStream, openSync, statSync } from 'node:fs';
import { SyncError } from '../../report/sync-error.ts';
import { readLog } from './log-files.ts';
import type { LogLine } from './log-line.ts';
import { LogParser, type ParsedLine } from './log-parser.ts';
import type { LogBacklog, SyncLog, TakenLog } from './sync-log.ts';

type TakeLines = (parsed: ParsedLine) => void;

/**
 * `-f FILE`, or `-f -` for standard input: read once, never renamed, changed or removed. What could not be done is lost
 * to this source and has to be reported by the caller, unless `relog` puts it into a channel's log.
 */
export class InputLog implements SyncLog {
  readonly file: string;
  readonly relog: SyncLog['relog'];
  readonly #input: AsyncIterable<Uint8Array> | undefined;
  readonly #date: () => number;
  #read = false;

  /**
   * @param input a stream to read in place of `file`
   * @param date milliseconds since the epoch
   */
  constructor(
    file: string,
    date: () => number,
    input?: AsyncIterable<Uint8Array>,
    relog?: (lines: readonly LogLine[]) => Promise<void>,
  ) {
    this.file = file;
    this.#date = date;
    this.#input = input;
    this.relog = relog;
  }

  async take(
    _pending: () => Iterable<LogLine>,
    line: TakeLines,
    queue: (taken: TakenLog) => void,
  ): Promise<TakenLog | undefined> {
    if (this.#read) return undefined;
    this.#read = true;
    const since = this.#date();
    try {
      if (this.#input) await readStream(this.#input, line);
      else if (statSync(this.file).isFile()) await readFile(this.file, line);
      // A pipe: `-f <(...)`. It has no positions, and is waited for.
      else await readStream(createReadStream(this.file), line);
    } catch (caught) {
      const error = SyncError.from(caught, { phase: 'log' });
      throw new SyncError(error.code, `sync log ${this.file}: ${error.message}`, {
        phase: 'log',
        cause: caught,
        hint: 'the file named with -f must exist and be readable by the user that Cyrus runs as',
      });
    }
    const taken = { file: this.file, since, leftover: false };
    queue(taken);
    return taken;
  }

  done(): void {}

  keep(): void {}

  waiting(): LogBacklog {
    return { lines: 0, octets: 0, since: undefined };
  }
}

async function readFile(file: string, line: TakeLines): Promise<void> {
  const fd = openSync(file, 'r');
  try {
    await readLog(fd, line);
  } finally {
    closeSync(fd);
  }
}

async function readStream(input: AsyncIterable<Uint8Array>, line: TakeLines): Promise<void> {
  const parser = new LogParser();
  for await (const chunk of input) for (const parsed of parser.feed(chunk)) line(parsed);
  for (const parsed of parser.end()) line(parsed);
}
