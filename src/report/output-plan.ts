import type { ListOption } from './document/failure-list.ts';
import type { LogFormat } from './sinks/log-file.ts';

/** The outputs of a run, and where they go. */
export interface OutputPlan {
  /** Count of -v. */
  verbose: number;
  /** -l */
  verboseLog: boolean;
  progress: boolean;
  /** A line on how far it is, each time so many seconds have passed; undefined: where progress cannot be drawn, each minute. */
  statsSeconds?: number | undefined;
  /** Log to this file as well; opened anew at a SIGHUP. */
  logFile?: string | undefined;
  /** For that file and stderr. */
  logFormat?: LogFormat | undefined;
  /** Log to stderr too. */
  logToStderr: boolean;
  syslogIdent: string;
  syslogFacility: string;
  /** CASSANDANE_SYSLOG_FNAME */
  syslogFile: string | undefined;
  /** Where to leave those who were not replicated, as a list that the option takes with -f. */
  failureList: { path: string; option: ListOption } | undefined;
  /** Where to leave the report. */
  reportPath: string | undefined;
}
