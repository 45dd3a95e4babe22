import { writeFileSync } from 'node:fs';
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

/**
 * A list that `-u -f` accepts: users one to a line, each after a comment with its reason. Mailboxes of no user stay
 * comments, as that list has no place for them.
 */
export function failureList(failures: readonly Failure[]): ByteString {
  let text = '# Not replicated. Try again with: sync_client -u -f THIS-FILE\n';
  for (const { user, error } of failures) {
    text += `# ${user === '' ? `${failureName(user, error)}: ` : ''}${reasonWithHint(error)}\n`;
    if (user !== '') text += `${user}\n`;
  }
  return text;
}

/** @throws system errors */
export function writeFailureList(path: string, failures: readonly Failure[]): void {
  writeFileSync(path, Buffer.from(failureList(failures), 'latin1'), { mode: 0o600 });
}

function failureName(user: ByteString, error: ErrorData): ByteString {
  if (user !== '') return user;
  return error.mailbox === undefined ? 'shared mailboxes' : `mailbox ${error.mailbox}`;
}

/**
 * @param endedBy why the run ended before its work was done: those that were not begun for that are only counted
 * @returns text for a terminal, LF at the end of each line
 */
export function failureText(failures: readonly Failure[], endedBy?: ErrorData): string {
  if (endedBy === undefined) return lines(failureLines(failures));
  const own = failures.filter(({ error }) => error !== endedBy);
  const reason = `sync_client: ${reasonWithHint(endedBy)}`;
  const left = failures.length - own.length;
  return lines([...failureLines(own), reason, ...(left > 1 ? [`${left} users not replicated`] : [])]);
}

function lines(lines: readonly ByteString[]): string {
  return lines.map((line) => `${textFromBytes(line)}\n`).join('');
}
