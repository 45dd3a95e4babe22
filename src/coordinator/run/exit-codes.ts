import type { RunSummary } from '../../report/events.ts';
import type { ErrorCode } from '../../report/sync-error.ts';
import type { RunMode } from './run-request.ts';

/** The C client's exit codes, as sysexits.h names them (algorithm 11.4). */
export const EXIT_OK = 0;
export const EXIT_FAILED = 1;
export const EXIT_USAGE = 64;
export const EXIT_SOFTWARE = 70;
export const EXIT_STOPPED = 75;
export const EXIT_CONFIG = 78;

/** Of an error that kept a run from beginning or going on. */
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

/** Of a run that came to its end: users skipped as locked are a failure only to those who asked for them by name. */
export function exitCodeOfRun(mode: RunMode['kind'], summary: RunSummary): number {
  if (summary.failed > 0) return EXIT_FAILED;
  return summary.locked > 0 && mode !== 'all' ? EXIT_FAILED : EXIT_OK;
}
