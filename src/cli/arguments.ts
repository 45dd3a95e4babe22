import { SyncError } from '../report/sync-error.ts';

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
  /** -n */
  channel: string | undefined;
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
  startDelay: number;
  /** -t, seconds; undefined = the default of 600. */
  sessionLifetime: number | undefined;
  /** -d, seconds; undefined or 0 = sync_repeat_interval. */
  minimumDelay: number | undefined;
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
  /** -z */
  requireCompression: boolean;
  /** -a */
  stageToArchive: boolean;
  /** --workers */
  workers: number | undefined;
  /** --progress, --no-progress; undefined = the settings file decides, then whether stderr is a terminal. */
  progress: boolean | undefined;
  /** --log-to-stderr */
  logToStderr: boolean;
  /** --exit-codes */
  exitCodes: 'classic' | 'extended';
}

/**
 * @param argv without the interpreter and script, as `process.argv.slice(2)`
 * @throws SyncError USAGE: its message is one line; print the usage after it and exit 64
 */
export function parseArguments(_argv: readonly string[]): Arguments {
  throw new SyncError('BUG', 'parseArguments is not written');
}
