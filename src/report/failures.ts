import { type ByteString, textFromBytes } from '../byte-string.ts';
import type { RunSummary } from './events.ts';
import type { ErrorData } from './sync-error.ts';

type Failure = RunSummary['failures'][number];

/** More users than this with the very same reason are counted rather than listed. */
const LISTED_PER_REASON = 20;

/** The end of a run for people: `user: reason (hint)`, the same reason of many users told once. */
export function failureLines(failures: readonly Failure[]): ByteString[] {
  const byReason = new Map<string, Failure[]>();
  for (const failure of failures) {
    const reason = reasonWithHint(failure.error);
    const same = byReason.get(reason);
    if (same) same.push(failure);
    else byReason.set(reason, [failure]);
  }
  const lines: ByteString[] = [];
  for (const [reason, same] of byReason) {
    for (const { user, error } of same.slice(0, LISTED_PER_REASON)) {
      lines.push(`${failureName(user, error)}: ${reason}`);
    }
    const more = same.length - LISTED_PER_REASON;
    if (more > 0) lines.push(`... and ${more} more: ${reason}`);
  }
  return lines;
}

export function reasonWithHint({ message, hint }: ErrorData): string {
  const line = message.replaceAll(/[\r\n]+/g, ' ');
  return hint === undefined ? line : `${line} (${hint})`;
}

function failureName(user: ByteString, error: ErrorData): ByteString {
  if (user !== '') return user;
  return error.mailbox === undefined ? 'shared mailboxes' : `mailbox ${error.mailbox}`;
}

/** How a run ended, as far as it did not do what it was to do. */
export interface Closing {
  failures: readonly Failure[];
  unreached: RunSummary['unreached'];
  /** False: there are more of those not reached, nobody knows how many. */
  allFound: boolean;
  /** Why the run ended before its work was done. */
  endedBy?: ErrorData | undefined;
}

/** @returns text for a terminal, LF at the end of each line */
export function failureText({ failures, unreached, allFound, endedBy }: Closing): string {
  const lines = failureLines(failures);
  if (endedBy !== undefined) lines.push(`sync_client: ${reasonWithHint(endedBy)}`);
  if (unreached.length > 0) {
    if (endedBy === undefined) lines.push('sync_client: stopped; run again to continue');
    const left = failures.length + unreached.length;
    lines.push(`${allFound ? '' : 'at least '}${left} users not replicated`);
  }
  return lines.map((line) => `${textFromBytes(line)}\n`).join('');
}
