import type { RunSummary, Verdict } from '../../report/events.ts';
import type { ErrorCode } from '../../report/sync-error.ts';
import type { RunMode } from './run-request.ts';

/** The C client's exit codes, as sysexits.h names them (algorithm 11.4). */
export const EXIT_OK = 0;
export const EXIT_FAILED = 1;
export const EXIT_USAGE = 64;
export const EXIT_SOFTWARE = 70;
export const EXIT_STOPPED = 75;
export const EXIT_CONFIG = 78;

/** The code of an error that kept a run from beginning or going on. */
export function exitCodeOfError(code: ErrorCode): number {
  switch (code) {
    case 'USAGE':
      return EXIT_USAGE;
    case 'SYNC_HOST_NOT_DEFINED':
      return EXIT_SOFTWARE;
    case 'CONFIG':
      return EXIT_CONFIG;
    case 'CANCELLED':
      return EXIT_STOPPED;
    default:
      return EXIT_FAILED;
  }
}

/** The code of a run that came to its end. Users skipped as locked are a failure only to those who named them. */
export function exitCodeOfRun(mode: RunMode['kind'], summary: RunSummary, error: RunEnd['error']): number {
  if (summary.stoppedBy === 'signal') return EXIT_STOPPED;
  if (error) return exitCodeOfError(error.code);
  if (summary.failed > 0 || (summary.locked > 0 && mode !== 'all')) return EXIT_FAILED;
  // As far as it came all is well, and another run goes on from there.
  return isCutShort(summary) ? EXIT_STOPPED : EXIT_OK;
}

/** Somebody was not reached, or not even found. */
function isCutShort({ unreached, allFound }: RunSummary): boolean {
  return unreached.length > 0 || !allFound;
}

/** Why rolling replication ended. */
export type RollingEndReason =
  | 'signal'
  | 'shutdown-file'
  /** The log was gone through once, or there was none (`-1`, `-f`). */
  | 'once'
  /** Only with `exitWhenReplicaGone`. */
  | 'replica-gone'
  /** With `-o`, or with `-1` where waiting is of no use. */
  | 'not-connected'
  /** Only with `-1`. */
  | 'log-failed';

/**
 * As the C client's, except that what -1 or -f could not do is a failure (algorithm 14, row 6).
 *
 * @param unfinished lines that are not done
 */
export function exitCodeOfRolling(reason: RollingEndReason, unfinished: number): number {
  switch (reason) {
    case 'signal':
      return EXIT_STOPPED;
    case 'shutdown-file':
    case 'replica-gone':
      return EXIT_OK;
    case 'not-connected':
    case 'log-failed':
      return EXIT_FAILED;
    case 'once':
      return unfinished > 0 ? EXIT_FAILED : EXIT_OK;
  }
}

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

/**
 * The code of a command that has replicated, or planned to.
 *
 * @param different users who were found to differ right after being replicated: as good as failed, and not done
 */
export function exitCodeOfCommand(end: RunEnd, different: number, exitCodes: 'classic' | 'extended'): number {
  const { exitCode, summary, error } = end;
  if (summary.stoppedBy === 'signal') return EXIT_STOPPED;
  if (error) return exitCodes === 'extended' ? extendedErrorCode(error.code) : exitCode;
  if (different > 0) return EXIT_FAILED;
  return exitCodes === 'extended' ? extendedExitCode(summary) : exitCode;
}

/** A code that is about some says of all others that they were reached, so that whoever was not comes before them. */
function extendedExitCode(summary: RunSummary): number {
  if (summary.failed > 0) return isCutShort(summary) ? EXIT_FAILED : SOME_FAILED;
  if (isCutShort(summary)) return EXIT_STOPPED;
  if (summary.unmatched > 0) return NAME_UNMATCHED;
  return summary.locked > 0 ? SOME_LOCKED : EXIT_OK;
}

/** `verify` */
const SOME_DIFFER = 2;
const SOME_NOT_TOLD = 3;

/**
 * The code of a command that has compared.
 *
 * @param notListed who is only on the replica was to be looked for, and the replica did not answer
 */
export function exitCodeOfComparison(
  { exitCode, summary, error }: RunEnd,
  verdicts: Readonly<Record<Verdict, number>>,
  notListed: boolean,
): number {
  if (summary.stoppedBy === 'signal' || error) return exitCode;
  // That something differs stays so, whoever else was not reached.
  if (verdicts.different > 0) return SOME_DIFFER;
  const { failed, locked, unmatched } = summary;
  if (failed === 0 && isCutShort(summary)) return EXIT_STOPPED;
  return failed + locked + unmatched + verdicts.changing > 0 || notListed ? SOME_NOT_TOLD : EXIT_OK;
}

/** As `exitCodeOfError`. */
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
