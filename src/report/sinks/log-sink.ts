/**
 * The door of `report/sinks`. Here lines go to syslog, to files, to stdout and stderr. It may open files; what was there before is
 * kept until there is something to take its place. A sink that fails says so, and never ends a run.
 */

import { createRequire } from 'node:module';
import type { DestinationStream, Logger } from 'pino';
import type { EventListener, SyncEvent } from '../events.ts';
import type { PartOf } from '../part-of.ts';
import { printableBytes } from '../printable.ts';
import type { SpellMailbox } from '../spell-mailbox.ts';
import type { ModeName } from '../words/error-lines.ts';
import { type LogLevel, type LogLine, LOG_LEVELS as levels } from '../words/log-line.ts';
import { logLines } from '../words/log-lines.ts';
import { verboseLine } from '../words/verbose-line.ts';
import { type LogAbout, logAbout } from './log-about.ts';

/** One place that log lines go to. */
export type LogTarget = (level: LogLevel, text: string, about: LogAbout) => void;

export interface LogOptions {
  /** One execution of the command. */
  run: string;
  part?: PartOf | undefined;
  channel: string | undefined;
  server: string;
  spellMailbox: SpellMailbox;
  /** -l: the verbose lines at INFO too. */
  verboseLog: boolean;
  targets: readonly LogTarget[];
}

/** The log sink: events to lines to targets, by way of pino. */
export function logSink(options: LogOptions): EventListener {
  const { run, part, channel, server, spellMailbox, verboseLog } = options;
  let mode: ModeName = 'users';
  // Most runs have nothing to log, and pino costs a run as much as starting a thread.
  let logger: Logger<LogLevel, true> | undefined;
  const write = ({ level, text }: LogLine, event: SyncEvent): void => {
    logger ??= openLogger(options.targets);
    logger[level](logAbout(event, { run, part, channel, spellMailbox }), printableBytes(text));
  };
  return (event) => {
    if (event.kind === 'run:start') mode = event.mode;
    for (const line of logLines(event, { mode, channel, server, spellMailbox })) write(line, event);
    if (!verboseLog) return;
    const text = verboseLine(event);
    if (text !== undefined) write({ level: 'info', text }, event);
  };
}

/** It keeps to its level and hands each line to the targets as it is: whoever wants JSON makes it. */
function openLogger(targets: readonly LogTarget[]): Logger<LogLevel, true> {
  const { pino }: typeof import('pino') = createRequire(import.meta.filename)('pino');
  return pino<LogLevel, true>(
    {
      ...{ customLevels: levels, useOnlyCustomLevels: true, level: 'info', base: null, timestamp: false },
      hooks: {
        logMethod([about, text], _method, level) {
          for (const target of targets) target(levelName(level), String(text), about as unknown as LogAbout);
        },
      },
    },
    NOWHERE,
  );
}

const NOWHERE: DestinationStream = { write() {} };

function levelName(number: number): LogLevel {
  if (number >= levels.error) return 'error';
  if (number >= levels.warning) return 'warning';
  if (number >= levels.notice) return 'notice';
  return number >= levels.info ? 'info' : 'debug';
}
