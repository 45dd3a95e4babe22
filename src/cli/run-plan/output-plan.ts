import type { ImapdConfig } from '../../config/imapd-config.ts';
import type { Settings } from '../../config/settings.ts';
import type { OutputPlan } from '../../report/output-plan.ts';
import type { Arguments } from '../arguments/arguments.ts';

const IDENT = 'sync_client';

/** The facility that Debian builds Cyrus with. */
const DEFAULT_FACILITY = 'mail';
/** Those that Cyrus takes, in any case. */
const FACILITIES = [
  ...['daemon', 'mail', 'news', 'user'],
  ...['local0', 'local1', 'local2', 'local3', 'local4', 'local5', 'local6', 'local7'],
];

/** From here on -v shows the protocol, and the log goes to standard error too. */
export const VERBOSE_TRAFFIC = 2;

/** @param terminal standard error is one, so that progress has somebody to see it */
export function outputPlan(
  config: ImapdConfig,
  settings: Settings,
  args: Arguments,
  environment: NodeJS.ProcessEnv,
  terminal: boolean,
): OutputPlan {
  const prefix = environment.CYRUS_SYSLOG_PREFIX ?? config.text('syslog_prefix');
  return Object.freeze({
    verbose: args.verbose,
    verboseLog: args.verboseLog,
    // Lines of -v and a moving display would tear each other apart.
    progress: args.progress ?? settings.progress ?? (terminal && args.verbose === 0),
    statsSeconds: args.statsSeconds,
    logFile: args.logFile,
    logFormat: args.logFormat,
    logToStderr: args.logToStderr || args.verbose >= VERBOSE_TRAFFIC,
    syslogIdent: prefix === undefined ? IDENT : `${prefix}/${IDENT}`,
    syslogFacility: facility(config.text('syslog_facility')),
    syslogFile: environment.CASSANDANE_SYSLOG_FNAME,
    failureList: failureList(args),
    reportPath: args.reportFile,
  });
}

function failureList({ failureFile, mode }: Arguments): OutputPlan['failureList'] {
  if (failureFile === undefined) return undefined;
  const option = mode === 'mailboxes' ? '-m' : mode === 'meta' ? '-s' : '-u';
  return { path: failureFile, option };
}

/** Cyrus logs to its default facility when it does not know the one configured, rather than refuse to start. */
function facility(configured: string | undefined): string {
  const name = configured?.toLowerCase();
  return name !== undefined && FACILITIES.includes(name) ? name : DEFAULT_FACILITY;
}
