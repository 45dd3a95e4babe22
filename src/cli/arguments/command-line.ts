import { Command, CommanderError, Option } from 'commander';
import { addChoosing, addOptions, addSteering, OPTIONS, type OptionRow } from './options.ts';
import { programVersion } from './program-version.ts';

export const PROGRAM = 'sync_client';

/** Printed after the one line of a usage error. */
export const USAGE = `Usage: ${PROGRAM} {-u | -m | -s} [options] NAME...
       ${PROGRAM} {-u | -m} -f FILE [options]
       ${PROGRAM} -A [options] [PREFIX]
       ${PROGRAM} {-r | -R | -1} [-n CHANNEL]... [-f LOG] [options]
Try '${PROGRAM} --help' for all options.
`;

const EXAMPLES = `
Examples:
  ${PROGRAM} -A                          every user and shared mailbox, to sync_host of imapd.conf
  ${PROGRAM} -v -u alice bob@example.org two users, saying what is sent
  ${PROGRAM} -S replica:2005 -u alice    to another replica than the configured one
  ${PROGRAM} -n offsite -A               the replica and login of channel "offsite"
  ${PROGRAM} -u -f users.txt --workers 8 users from a file, eight connections
  ${PROGRAM} -m user/alice/Sent          one mailbox, by its administrator's name

Files:
  /etc/imapd.conf       configuration, shared with Cyrus
  /etc/cyrus-sync.ini   settings of this program alone (--settings or $CYRUS_SYNC_SETTINGS name another)

Exit codes:
  0 all done   1 something failed   64 usage   70 no replica configured   75 stopped, run again   78 configuration
`;

/** Modes in the order of the options that choose them; the event of an option is its long name. */
export const MODE_OPTIONS = [
  ['userids', 'users'],
  ['mailboxes', 'mailboxes'],
  ['sieve-mode', 'meta'],
  ['all-users', 'all'],
  ['rolling', 'rolling'],
  ['foreground-rolling', 'rolling'],
] as const;

/** The command line as commander gives it; property names are the long names in camel case. */
export interface RawOptions {
  config?: string;
  settings?: string;
  server?: string;
  from?: string;
  channel?: string;
  inputFile?: string;
  shutdownFile?: string;
  destPartition?: string;
  rolling?: true;
  rollingOnce?: true;
  delayedStartup?: string;
  timeout?: string;
  delay?: string;
  verboseLogging?: true;
  localOnly?: true;
  skipLocked?: true;
  connectOnce?: true;
  copyback?: boolean;
  verify?: true;
  requireCompression?: true;
  stageToArchive?: true;
  workers?: string;
  progress?: boolean;
  stats?: string;
  logFile?: string;
  logFormat?: 'text' | 'json';
  logToStderr?: true;
  dryRun?: true;
  excludeFrom?: string;
  bwlimit?: string;
  pauseFile?: string;
  pauseUrl?: string;
  maxLoad?: string;
  control?: string;
  shard?: string;
  order?: 'size' | 'name' | 'list';
  maxErrors?: string;
  maxDuration?: string;
  failures?: string;
  report?: string;
  metrics?: string;
  exitCodes?: 'classic' | 'extended';
}

/**
 * All short options of the manual, with the long names of newer Cyrus (algorithm 1). None has an optional
 * argument: the prefix of -A is an operand, as with getopt.
 */
export function commandLine(): Command {
  const command = new Command(PROGRAM)
    .usage('{-u | -m | -s | -A | -r | -R | -1} [options] [NAME...]')
    .description('Replicates mail, and all that belongs to it, from this Cyrus IMAP server to another.')
    .argument('[names...]', 'users (-u, -s), mailboxes (-m), or one mailbox name prefix (-A)')
    .helpOption('--help', 'show this and exit')
    .option('--version', 'show the version and exit')
    .on('option:version', () => tellVersion(command))
    .addHelpText('after', EXAMPLES);
  const group = (heading: string, ...options: OptionRow[]): void => addOptions(command, heading, ...options);
  group(
    'What to replicate (one of):',
    OPTIONS.users,
    OPTIONS.mailboxes,
    ['-s, --sieve-mode', 'seen state, subscriptions and Sieve scripts of the users named'],
    OPTIONS.all,
    ['-r, --rolling', 'continuously, in the background'],
    ['-R, --foreground-rolling', 'continuously, in the foreground'],
    ['-1, --rolling-once', 'one log file, as -R does, then exit'],
  );
  group(
    'Where to and from:',
    OPTIONS.config,
    OPTIONS.server,
    OPTIONS.from,
    [
      '-n, --channel <channel>',
      'use the options CHANNEL_sync_... where they are set; may be repeated with -r and -R',
    ],
    OPTIONS.inputFile,
    ['-p, --dest-partition <partition>', 'put mailboxes on this partition of the replica (-u, -m)'],
    OPTIONS.settings,
  );
  group(
    'How:',
    OPTIONS.workers,
    OPTIONS.skipLocked,
    OPTIONS.connectOnce,
    OPTIONS.requireCompression,
    OPTIONS.noCopyback,
    OPTIONS.verify,
    ['-L, --local-only', 'no mupdate traffic on the replica'],
    ['-a, --stage-to-archive', 'stage uploads on the archive partition of the replica'],
    ['-w, --delayed-startup <seconds>', 'wait before starting'],
    ['--dry-run', 'say what would be done, and change nothing on either side'],
  );
  addChoosing(command);
  addSteering(command);
  group(
    'Rolling:',
    ['-F, --shutdown-file <file>', 'end when this file appears (default: sync_shutdown_file)'],
    ['-t, --timeout <seconds>', 'renew the session after this long (default: 600)'],
    ['-d, --delay <seconds>', 'least time between two passes (default: sync_repeat_interval)'],
  );
  group(
    'What to say:',
    OPTIONS.verbose,
    OPTIONS.verboseLogging,
    OPTIONS.progress,
    OPTIONS.noProgress,
    OPTIONS.stats,
    OPTIONS.logToStderr,
    OPTIONS.metrics,
    OPTIONS.logFile,
    OPTIONS.report,
    ['--failures <file>', 'keep a list of those who were not replicated, for -u -f (-m -f, -s -f)'],
  );
  command.addOption(
    new Option('--log-format <format>', 'of the log file and the log on standard error: text, or json lines')
      .choices(['text', 'json'])
      .helpGroup('What to say:'),
  );
  command.addOption(
    new Option('--exit-codes <set>', 'classic: those of the C client; extended: one for each kind of failure')
      .choices(['classic', 'extended'])
      .helpGroup('What to say:'),
  );
  return command;
}

/** Does what commander's own option does, and looks for the version only when it is asked for: that takes a small run a while. */
function tellVersion(command: Command): never {
  command.configureOutput().writeOut?.(`${programVersion()}\n`);
  throw new CommanderError(0, 'commander.version', 'the version was asked for');
}
