import type { ByteString } from '../byte-string.ts';
import type { WorkerSetup } from '../coordinator/messages.ts';

/** Everything one invocation is to do, decided before anything is opened. Frozen. */
export interface RunPlan {
  mode: RunMode;
  setup: WorkerSetup;
  channel: string | undefined;
  workers: number;
  /** -N: skip users whose sync lock is held, rather than wait for them. */
  skipLocked: boolean;
  /** -o */
  connectOnce: boolean;
  /** Seconds; cap of the reconnect back-off; 0 = none. */
  reconnectMaxWait: number;
  /** -w, seconds. */
  startDelay: number;
  /** Seconds between tries of a user whose sync lock is held, when nothing else is left to do. */
  lockedRetry: number;
  /** Whom to become when started as root. */
  identity: IdentityPlan;
  output: OutputPlan;
}

export interface IdentityPlan {
  user: string;
  /** undefined = the user's own group. */
  group: string | undefined;
}

export type RunMode =
  | { kind: 'all'; prefix: ByteString | undefined }
  | { kind: 'users'; userids: ByteString[] }
  | { kind: 'mailboxes'; names: ByteString[] }
  | { kind: 'meta'; userids: ByteString[] };

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
}
