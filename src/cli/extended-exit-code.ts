import { EXIT_OK, EXIT_STOPPED, exitCodeOfError } from '../coordinator/run/exit-codes.ts';
import type { RunSummary } from '../report/events.ts';
import type { ErrorCode } from '../report/sync-error.ts';

/** `--exit-codes extended`: where the C client has one code, one for each kind of failure (sysexits.h where it fits). */
const SOME_FAILED = 2;
const SOME_LOCKED = 3;
const NAME_UNMATCHED = 67;
const NO_HOST = 68;
const UNAVAILABLE = 69;
const STORE_UNREADABLE = 74;
const NOT_A_REPLICA = 76;
const LOGIN_REFUSED = 77;

export interface RunEnd {
  /** As the C client would exit. */
  exitCode: number;
  summary: RunSummary;
  /** Why it ended before its work was done. */
  error: { code: ErrorCode } | undefined;
}

export function extendedExitCode({ exitCode, summary, error }: RunEnd): number {
  if (exitCode === EXIT_STOPPED) return exitCode;
  if (error) return extendedErrorCode(error.code);
  if (summary.failed > 0) return SOME_FAILED;
  if (summary.unmatched > 0) return NAME_UNMATCHED;
  return summary.locked > 0 ? SOME_LOCKED : EXIT_OK;
}

/** Of an error that kept a run from beginning or going on. */
export function extendedErrorCode(code: ErrorCode): number {
  switch (code) {
    case 'HOST_NOT_FOUND':
      return NO_HOST;
    case 'CONNECT_FAILED':
    case 'CONNECT_TIMEOUT':
    case 'REPLICA_BUSY':
    case 'REPLICA_ILL':
    case 'LINK_BROKEN':
    case 'LINK_TIMEOUT':
    case 'IMAP_BYE_LOGOUT':
      return UNAVAILABLE;
    case 'IO':
    case 'DATABASE_DAMAGED':
    case 'DATABASE_UNSUPPORTED':
      return STORE_UNREADABLE;
    case 'NOT_A_SYNC_SERVER':
    case 'COMPRESSION_UNAVAILABLE':
      return NOT_A_REPLICA;
    case 'AUTHENTICATION_FAILED':
    case 'NO_USABLE_MECHANISM':
    case 'TLS_FAILED':
      return LOGIN_REFUSED;
    default:
      return exitCodeOfError(code);
  }
}
