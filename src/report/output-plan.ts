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
  /** Where to leave the users that failed, as a list that `-u -f` accepts. */
  failureFile: string | undefined;
}
