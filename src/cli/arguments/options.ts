import { type Command, Option } from 'commander';

/** Every option that more than one command has, or may have, in one place: flags, and what the help says of them. */
export const OPTIONS = {
  users: ['-u, --userids', 'the users named'],
  mailboxes: ['-m, --mailboxes', 'the mailboxes named, as an administrator names them'],
  all: ['-A, --all-users', 'every user and shared mailbox, or those whose mailbox names begin with PREFIX'],
  config: ['-C, --config <file>', 'configuration file (default: /etc/imapd.conf)'],
  server: [
    '-S, --server <server>',
    'replica: host, host:port, host:port/tls or /unix/socket (default: sync_host)',
  ],
  from: [
    '--from <server>',
    "read the master from its own server, host or host:port of its imapd or sync_server, instead of from this host's files",
  ],
  inputFile: ['-f, --input-file <file>', 'names from this file, one a line; - is standard input'],
  settings: ['--settings <file>', 'settings of this program (default: /etc/cyrus-sync.ini)'],
  workers: ['--workers <count>', 'connections to the replica at most (default: auto, as many as pay)'],
  skipLocked: ['-N, --skip-locked', 'skip users that another process is replicating'],
  connectOnce: ['-o, --connect-once', 'fail at once if the replica cannot be reached'],
  requireCompression: ['-z, --require-compression', 'fail if the connection cannot be compressed'],
  noCopyback: ['-O, --no-copyback', 'never change the master; make the replica follow'],
  verbose: [
    '-v, --verbose',
    'say on standard output what is sent; twice: protocol and log on standard error too',
  ],
  verboseLogging: ['-l, --verbose-logging', 'the same to syslog'],
  progress: ['--progress', 'show progress (default: on a terminal)'],
  noProgress: ['--no-progress', 'do not show progress'],
  stats: ['--stats <time>', 'a line on how far it is on standard error so often, such as 1m'],
  logToStderr: ['--log-to-stderr', 'log to standard error as well as to syslog'],
  logFile: ['--log-file <file>', 'log to this file as well, which SIGHUP has opened anew'],
  verify: [
    '--verify',
    'compare each user with the replica right after, and say how many are proven the same (-A, -u, -m)',
  ],
  report: [
    '--report <file>',
    'keep a report of each user while the run lasts: JSON, or CSV if FILE ends in .csv',
  ],
  metrics: [
    '--metrics <address>',
    '[HOST:]PORT: metrics for Prometheus and a status page for browsers (default: none; HOST 127.0.0.1)',
  ],
  include: ['--include <glob>', 'of -A and -u these users and shared mailboxes alone; may be repeated'],
  exclude: ['--exclude <glob>', 'not these; may be repeated'],
  excludeFrom: ['--exclude-from <file>', 'not these: globs from a file, one a line; - is standard input'],
  shard: ['--shard <part>', 'K/N: the Kth of N parts of the users, for as many processes or hosts'],
  maxErrors: ['--max-errors <count>', 'end when so many users have failed'],
  maxDuration: ['--max-duration <time>', 'end after so long (90s, 45m, 6h), when those under way are done'],
  bwlimit: [
    '--bwlimit <rate>',
    'octets a second of all connections together: 10M, off, or a timetable "08:00,2M 19:00,off"',
  ],
  pauseFile: ['--pause-file <file>', 'nothing goes on while this file exists'],
  pauseUrl: ['--pause-url <address>', 'nothing goes on while this http address answers other than 200'],
  maxLoad: ['--max-load <load>', "nothing goes on while this host's load is above this"],
  control: [
    '--control <path>',
    'socket for cyrus-sync ctl, or off (default: below /run/cyrus-sync, if that exists)',
  ],
  rate: ['--rate <octets>', 'estimate the time for so many octets a second, such as 20M'],
  messageRate: ['--message-rate <count>', 'estimate the time for so many messages a second'],
  rateFrom: [
    '--rate-from <report>',
    'estimate the time by what a run before has come to (its --report, JSON)',
  ],
} as const satisfies Record<string, OptionRow>;

export type OptionRow = readonly [flags: string, description: string];

/** Options under a heading of the help, in this order. */
export function addOptions(command: Command, heading: string, ...options: OptionRow[]): void {
  for (const [flags, description] of options) {
    command.addOption(new Option(flags, description).helpGroup(heading));
  }
}

/** Whom of those named a command is about, and when it ends before all of them were. */
export function addChoosing(command: Command): void {
  const heading = 'Whom of them:';
  addOptions(command, heading, OPTIONS.include, OPTIONS.exclude, OPTIONS.excludeFrom, OPTIONS.shard);
  command.addOption(
    new Option('--order <order>', 'largest first (size, the default), by name, or as listed (list)')
      .choices(['size', 'name', 'list'])
      .helpGroup(heading),
  );
  addOptions(command, heading, OPTIONS.maxErrors, OPTIONS.maxDuration);
}

/** Options that slow a run down or hold it, and say where it is asked and steered meanwhile. */
export function addSteering(command: Command): void {
  const { bwlimit, pauseFile, pauseUrl, maxLoad, control } = OPTIONS;
  addOptions(command, 'While it runs:', bwlimit, pauseFile, pauseUrl, maxLoad, control);
}
