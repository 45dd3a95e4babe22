/**
 * The door of `cli/arguments`. Here are the options, their help, and the reading of a command line. It opens nothing and begins
 * nothing; what cannot be understood is one line that names the option.
 */

import { type Command, CommanderError } from 'commander';
import { MOST_WORKERS } from '../../config/settings.ts';
import { DURATION_FORMS, parseDuration } from '../../config/values.ts';
import { shownValue } from '../../report/shown-value.ts';
import { SyncError } from '../../report/sync-error.ts';
import { type Choosing, checkChoosing, choosing } from './choosing.ts';
import { commandLine, MODE_OPTIONS, type RawOptions } from './command-line.ts';
import { commanderText } from './commander-text.ts';

/** Rolling is one mode to the parser, whichever of -r, -R and -1 asked for it. */
export type ArgumentMode = 'users' | 'mailboxes' | 'meta' | 'all' | 'rolling';

/** The command line, checked in itself but not yet against any file. Frozen. Texts are as typed (not byte strings). */
export interface Arguments {
  /** `--help`, `--version`: print this on stdout and exit 0; nothing else of the command line counts then. */
  answer: string | undefined;
  /** undefined only beside an `answer`. */
  mode: ArgumentMode | undefined;
  /** Users, mailboxes, or the one prefix of `-A`. */
  operands: readonly string[];
  /** -C */
  configFile: string | undefined;
  /** --settings */
  settingsFile: string | undefined;
  /** -S */
  server: string | undefined;
  /** --from: the master's own server is asked, and no file of its is read. */
  from: string | undefined;
  /** -n, the last one; undefined = the default channel. */
  channel: string | undefined;
  /** Every -n; one undefined if there is none. More than one only in rolling mode. */
  channels: readonly (string | undefined)[];
  /** -f; `-` is standard input. */
  inputFile: string | undefined;
  /** -F */
  shutdownFile: string | undefined;
  /** -p */
  partition: string | undefined;
  /** -r: leave the terminal, unless there is an input file. */
  background: boolean;
  /** -1: one log file, then exit. */
  once: boolean;
  /** -w, seconds. */
  startDelaySeconds: number;
  /** -t, seconds; undefined = the default of 600. */
  sessionLifetimeSeconds: number | undefined;
  /** -d, seconds; undefined or 0 = sync_repeat_interval. */
  minimumDelaySeconds: number | undefined;
  /** Count of -v. */
  verbose: number;
  /** -l */
  verboseLog: boolean;
  /** -L */
  local: boolean;
  /** -N */
  skipLocked: boolean;
  /** -o */
  connectOnce: boolean;
  /** -O */
  noCopyback: boolean;
  /** --verify */
  verify: boolean;
  /** -z */
  requireCompression: boolean;
  /** -a */
  stageToArchive: boolean;
  /** --workers */
  workers: number | 'auto' | undefined;
  /** --progress, --no-progress; undefined = the settings file decides, then whether stderr is a terminal. */
  progress: boolean | undefined;
  /** --stats */
  statsSeconds: number | undefined;
  /** --log-file */
  logFile: string | undefined;
  /** --log-format */
  logFormat: 'text' | 'json';
  /** --log-to-stderr */
  logToStderr: boolean;
  /** --dry-run */
  dryRun: boolean;
  choosing: Choosing;
  /** Texts as they were typed: --bwlimit, --pause-file, --pause-url, --max-load, --control. */
  steering: Readonly<
    Record<'bwlimit' | 'pauseFile' | 'pauseUrl' | 'maxLoad' | 'control', string | undefined>
  >;
  /** --failures */
  failureFile: string | undefined;
  /** --report */
  reportFile: string | undefined;
  /** --metrics */
  metrics: string | undefined;
  /** --exit-codes */
  exitCodes: 'classic' | 'extended';
}

/** A day count and more; keeps every time below Node's timer limit. */
const MOST_SECONDS = 10_000_000;

/**
 * Parses as getopt does: bundled flags, options after operands, `--` ends them.
 *
 * @param argv without the interpreter and script, as `process.argv.slice(2)`
 * @throws SyncError USAGE: its message is one line; print it and `USAGE` after it and exit 64
 */
export function parseArguments(argv: readonly string[]): Arguments {
  return readArguments(commandLine(), argv);
}

/**
 * Parses for a command of another name, which has some of the options, and may have others of its own: what those are
 * given as is in `command.opts()` afterwards.
 *
 * @param check of what is combined in the command line; not called where there is an `answer`
 * @throws SyncError USAGE
 */
export function readArguments(
  command: Command,
  argv: readonly string[],
  check: typeof checkModes = checkModes,
): Arguments {
  const modes: ArgumentMode[] = [];
  const channels: (string | undefined)[] = [];
  const include: string[] = [];
  const exclude: string[] = [];
  let verbose = 0;
  let answer: string | undefined;
  command.exitOverride().configureOutput({
    writeOut: (text) => {
      answer = (answer ?? '') + text;
    },
    // The thrown error says the same; whoever catches it prints it.
    writeErr: () => undefined,
  });
  for (const [event, mode] of MODE_OPTIONS) command.on(`option:${event}`, () => modes.push(mode));
  command.on('option:verbose', () => {
    verbose += 1;
  });
  command.on('option:include', (glob: string) => include.push(glob));
  command.on('option:exclude', (glob: string) => exclude.push(glob));
  // An empty name is how sync_log_channels spells the default channel.
  command.on('option:channel', (name: string) => channels.push(name === '' ? undefined : name));
  try {
    command.parse(argv, { from: 'user' });
  } catch (caught) {
    if (!(caught instanceof CommanderError)) throw caught;
    if (answer === undefined || caught.exitCode !== 0) throw usageError(commanderText(caught, command));
  }
  const raw = command.opts<RawOptions>();
  const once = raw.rollingOnce === true;
  // The C client wants -r or -R beside -1, though its manual describes -1 as a mode of its own: both are taken.
  if (once && modes.length === 0) modes.push('rolling');
  const chosen = choosing(raw, { include, exclude });
  if (answer === undefined) {
    check(modes, command.args, raw);
    checkChoosing(modes[0] ?? '', chosen, raw.inputFile);
    if (modes[0] !== 'rolling' && channels.length > 1) throw usageError('expected one -n, found more');
  }

  return Object.freeze({
    answer,
    mode: modes[0],
    operands: Object.freeze([...command.args]),
    configFile: raw.config,
    settingsFile: raw.settings,
    server: raw.server,
    from: raw.from,
    channel: channels.at(-1),
    channels: Object.freeze(channels.length > 0 ? [...new Set(channels)] : [undefined]),
    inputFile: raw.inputFile,
    shutdownFile: raw.shutdownFile,
    partition: raw.destPartition,
    background: raw.rolling === true,
    once,
    startDelaySeconds: seconds('-w', raw.delayedStartup) ?? 0,
    sessionLifetimeSeconds: seconds('-t', raw.timeout),
    minimumDelaySeconds: seconds('-d', raw.delay),
    verbose,
    verboseLog: raw.verboseLogging === true,
    local: raw.localOnly === true,
    skipLocked: raw.skipLocked === true,
    connectOnce: raw.connectOnce === true,
    noCopyback: raw.copyback === false,
    verify: raw.verify === true,
    requireCompression: raw.requireCompression === true,
    stageToArchive: raw.stageToArchive === true,
    workers: workerCount(raw.workers),
    progress: raw.progress,
    statsSeconds: statsSeconds(raw.stats),
    logFile: raw.logFile,
    logFormat: raw.logFormat ?? 'text',
    logToStderr: raw.logToStderr === true,
    dryRun: raw.dryRun === true,
    choosing: chosen,
    steering: Object.freeze({
      bwlimit: raw.bwlimit,
      pauseFile: raw.pauseFile,
      pauseUrl: raw.pauseUrl,
      maxLoad: raw.maxLoad,
      control: raw.control,
    }),
    failureFile: raw.failures,
    reportFile: raw.report,
    metrics: raw.metrics,
    exitCodes: raw.exitCodes ?? 'classic',
  });
}

/** Says what is missing in more words than the C client has for it. */
export const checkModesOfVerb: typeof checkModes = (modes, operands, raw) => {
  if (modes.length === 0) throw usageError('expected -A for everybody, or -u or -m with names');
  checkModes(modes, operands, raw);
};

/** Naming a mode twice, even the same one, is an error to the C client too. */
function checkModes(modes: readonly ArgumentMode[], operands: readonly string[], raw: RawOptions): void {
  const [mode] = modes;
  if (modes.length > 1) throw usageError('Mutually exclusive options defined');
  if (mode === undefined) throw usageError('No replication mode specified');
  if (mode === 'rolling' && raw.failures !== undefined) {
    throw usageError(
      'expected no --failures in rolling mode, where the sync log itself goes on naming what is not done',
    );
  }
  if (mode === 'rolling' && raw.report !== undefined) {
    throw usageError(
      'expected no --report in rolling mode, which has no end; SIGUSR1 tells how things stand',
    );
  }
  if (mode === 'rolling' && raw.from !== undefined) {
    throw usageError(
      'expected no --from in rolling mode, which follows the sync log on the host of the master; run -A --from again and again instead',
    );
  }
  if (raw.dryRun) checkDryRun(mode, raw);
  if (raw.verify && (mode === 'rolling' || mode === 'meta')) {
    throw usageError('expected --verify with -A, -u or -m; in rolling mode there is the setting full_pass');
  }
  if (mode === 'all' && operands.length > 1) {
    throw usageError(`expected at most one mailbox name prefix with -A, found ${operands.length}`);
  }
  if (mode === 'all' && raw.inputFile !== undefined) {
    throw usageError('expected no -f with -A: to replicate users from a file give -u -f FILE');
  }
}

/** Options that hold, slow or steer a run; they are looked for under the names that the command line has for them. */
const HEEDED_BY_RUNS = [
  ['--bwlimit', 'bwlimit'],
  ['--pause-file', 'pauseFile'],
  ['--pause-url', 'pauseUrl'],
  ['--max-load', 'maxLoad'],
  ['--control', 'control'],
  ['-w', 'delayedStartup'],
] as const satisfies readonly (readonly [option: string, key: keyof RawOptions])[];

/** A plan must not write what a run leaves behind to be believed. */
function checkDryRun(mode: ArgumentMode, raw: RawOptions): void {
  if (mode === 'rolling')
    throw usageError('expected no --dry-run in rolling mode; with -A it says what is behind');
  if (raw.failures !== undefined)
    throw usageError('expected no --failures with --dry-run, which replicates nobody');
  if (raw.verify)
    throw usageError('expected no --verify with --dry-run, after which nothing is there to compare');
  if (raw.report !== undefined)
    throw usageError('expected no --report with --dry-run; cyrus-sync plan --json tells all');
  const idle = HEEDED_BY_RUNS.find(([, key]) => raw[key] !== undefined);
  if (idle)
    throw usageError(
      `expected no ${idle[0]} with --dry-run, which begins at once and nobody holds or steers`,
    );
}

function seconds(option: string, text: string | undefined): number | undefined {
  return wholeNumber(option, text, 0, MOST_SECONDS);
}

function wholeNumber(
  option: string,
  text: string | undefined,
  least: number,
  most: number,
): number | undefined {
  if (text === undefined) return undefined;
  const number = /^[0-9]+$/.test(text) ? Number(text) : Number.NaN;
  if (number >= least && number <= most) return number;
  throw usageError(
    `option ${option} expects a whole number from ${least} to ${most}, found ${shownValue(text)}`,
  );
}

function statsSeconds(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const seconds = parseDuration(text) ?? 0;
  if (seconds >= 1 && seconds <= MOST_SECONDS) return seconds;
  throw usageError(`option --stats expects ${DURATION_FORMS}, from 1s on, found ${shownValue(text)}`);
}

function workerCount(text: string | undefined): number | 'auto' | undefined {
  if (text === 'auto') return text;
  if (text === undefined) return undefined;
  const count = /^[0-9]+$/.test(text) ? Number(text) : Number.NaN;
  if (count >= 1 && count <= MOST_WORKERS) return count;
  throw usageError(
    `option --workers expects auto or a whole number from 1 to ${MOST_WORKERS}, found ${shownValue(text)}`,
  );
}

export function usageError(message: string): SyncError {
  return new SyncError('USAGE', message, { phase: 'start' });
}
