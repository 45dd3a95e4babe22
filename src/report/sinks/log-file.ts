import { closeSync, openSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { DestinationStream } from 'pino';
import { SyncError } from '../sync-error.ts';
import { LOG_LEVELS, type LogLevel } from '../words/log-line.ts';
import type { LogAbout } from './log-about.ts';

export type LogFormat = 'text' | 'json';

/** Nobody but its owner and group reads who has mail here. */
const MODE = 0o640;

/** Lines for people, or one JSON document a line for programs, in a file that can be moved away. */
export interface LogFile extends Disposable {
  log(level: LogLevel, text: string, about: LogAbout): void;
  /**
   * Opens the file of that name anew: the one before has been moved away. Never throws, as it is a signal that asks for it: where
   * that cannot be done, it complains, and lines go on to the one before.
   */
  reopen(): void;
}

/**
 * @param ident stands before each line of text
 * @param complain told once if the file cannot be written, and whenever it cannot be opened anew
 * @throws SyncError USAGE if it cannot be opened
 */
export function openLogFile(
  path: string,
  format: LogFormat,
  ident: string,
  complain: (text: string) => void,
): LogFile {
  const { pino }: typeof import('pino') = createRequire(import.meta.filename)('pino');
  let destination: ReturnType<typeof pino.destination>;
  try {
    destination = pino.destination({ dest: path, sync: true, append: true, mode: MODE });
  } catch (caught) {
    throw new SyncError(
      'USAGE',
      `--log-file: expected a file that can be written, found ${path}: ${SyncError.from(caught).message}`,
      { phase: 'start', hint: 'It is opened by the user that Cyrus runs as' },
    );
  }
  let hasFailed = false;
  destination.on('error', (error: Error) => {
    if (!hasFailed) complain(`logging to ${path} failed: ${error.message}`);
    hasFailed = true;
  });
  const target = format === 'json' ? jsonTarget(destination) : textTarget(destination, ident);
  return {
    log: target,
    reopen: () => {
      try {
        // Once it has failed to open a file, the destination would close the one before twice.
        closeSync(openSync(path, 'a', MODE));
        destination.reopen();
      } catch (caught) {
        complain(
          `${path} cannot be opened anew, lines go on to the file that was there: ${SyncError.from(caught).message}`,
        );
      }
    },
    [Symbol.dispose]: () => destination.end(),
  };
}

/** Writes one JSON document for each line: time, level, what it is about, and the text. */
export function jsonTarget(destination: DestinationStream): LogFile['log'] {
  const { pino }: typeof import('pino') = createRequire(import.meta.filename)('pino');
  const logger = pino<LogLevel, true>(
    {
      ...{
        customLevels: LOG_LEVELS,
        useOnlyCustomLevels: true,
        level: 'debug',
        base: null,
        messageKey: 'text',
      },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    destination,
  );
  return (level, text, about) => logger[level](about, text);
}

function textTarget(destination: DestinationStream, ident: string): LogFile['log'] {
  return (level, text) => {
    destination.write(`${new Date().toISOString()} ${ident}[${process.pid}]: ${level}: ${text}\n`);
  };
}
