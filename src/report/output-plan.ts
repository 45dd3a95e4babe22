import type { ListOption } from './failure-list.ts';

/** What a run says, and where. */
export interface OutputPlan {
  /** Count of -v. */
  verbose: number;
  /** -l */
  verboseLog: boolean;
  progress: boolean;
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
