import type { ReportEntry } from '../../report/document/report-entry.ts';
import type { Outcome, UserResult } from '../fleet-slice.ts';

/** A user who comes again so often and is left undone each time needs a person. */
export const MOST_ROUNDS = 5;

/**
 * A user's part in the result of a slice.
 *
 * @param entry from the report of the run; undefined: the run ended before
 */
export function userResult(user: string, entry: ReportEntry | undefined, round: number): UserResult {
  const wanted = outcomeOf(entry);
  const outcome = wanted === 'again' && round >= MOST_ROUNDS ? 'needs-person' : wanted;
  return {
    ...{ user, outcome, grade: entry?.grade ?? null },
    messages: entry?.messages ?? 0,
    octets: entry?.octets ?? 0,
    seconds: entry?.seconds ?? 0,
    error: outcome === 'proven' ? null : reasonOf(entry),
  };
}

function outcomeOf(entry: ReportEntry | undefined): Outcome {
  if (entry === undefined) return 'again';
  const { status, grade, compared, error } = entry;
  switch (status) {
    case 'replicated':
      if (grade === 'identical' && compared) return 'proven';
      return grade === 'changing' || grade === 'identical' ? 'again' : 'needs-person';
    case 'locked':
    case 'not-reached':
      return 'again';
    case 'failed':
      return error?.retryable === true ? 'again' : 'needs-person';
    case 'absent':
      return 'needs-person';
  }
}

function reasonOf(entry: ReportEntry | undefined): UserResult['error'] {
  if (entry?.error) {
    const { code, message, hint, mailbox } = entry.error;
    return { code, message, hint, mailbox };
  }
  const told = (code: NonNullable<UserResult['error']>['code'], message: string, hint: string) => ({
    ...{ code, message, hint, mailbox: null },
  });
  switch (entry?.status) {
    case 'absent':
      return told(
        'IMAP_MAILBOX_NONEXISTENT',
        'the master has no such user',
        'Leave it out, or look on another master',
      );
    case 'locked':
      return told(
        'USER_LOCKED',
        'another client was at work on the user each time',
        'Look who holds its sync lock',
      );
    case 'replicated':
      return told(
        'CONFLICT',
        `both sides were compared: ${entry.grade}, ${entry.differences} differences`,
        'cyrus-sync verify -u USER on the master says what differs',
      );
    default:
      return null;
  }
}
