import type { ByteString } from '../../byte-string.ts';
import type { RunSummary } from '../events.ts';
import { type ProgramWords, REPLICATING } from '../program-words.ts';
import { reasonWithHint } from '../reasons.ts';
import type { SpellMailbox } from '../spell-mailbox.ts';
import type { ErrorData } from '../sync-error.ts';

type Failure = RunSummary['failures'][number];

/** So many failures for one reason are told; of more only the number is. */
const EXAMPLES = 20;

/**
 * The end of a run for people: `user: reason (hint)`. Reasons are the same if their code and what can be done are the
 * same, whatever file or message each of them is about. More than one failure is summed up by code.
 */
export function failureLines(failures: readonly Failure[], spell: SpellMailbox): ByteString[] {
  const byReason = new Map<string, Failure[]>();
  for (const failure of failures) {
    const { code, hint } = failure.error;
    const reason = hint === undefined ? code : `${code} (${hint})`;
    const same = byReason.get(reason);
    if (same) same.push(failure);
    else byReason.set(reason, [failure]);
  }
  const lines: ByteString[] = [];
  for (const [reason, same] of byReason) {
    for (const { user, error } of same.slice(0, EXAMPLES)) {
      const name = failureName(user, error);
      lines.push(
        name === undefined ? reasonWithHint(error, spell) : `${name}: ${reasonWithHint(error, spell)}`,
      );
    }
    const more = same.length - EXAMPLES;
    if (more > 0) lines.push(`... and ${more} more: ${reason}`);
  }
  if (failures.length > 1) lines.push(totals(failures));
  return lines;
}

/** `300 users failed: MESSAGE_UNREADABLE 280, IO 20`, the most frequent first. */
function totals(failures: readonly Failure[]): string {
  const byCode = new Map<string, number>();
  for (const { error } of failures) byCode.set(error.code, (byCode.get(error.code) ?? 0) + 1);
  const counts = [...byCode].sort(([, a], [, b]) => b - a).map(([code, count]) => `${code} ${count}`);
  return `${failures.length} users failed: ${counts.join(', ')}`;
}

/** undefined: the reason names the mailbox. */
function failureName(user: ByteString, { mailbox }: ErrorData): ByteString | undefined {
  if (user !== '') return user;
  return mailbox === undefined ? 'shared mailboxes' : undefined;
}

/** How a run ended, as far as it did not do what it was to do. */
export interface Closing {
  failures: readonly Failure[];
  unreached: RunSummary['unreached'];
  /** False: there are more of those not reached, nobody knows how many. */
  allFound: boolean;
  /** Why the run ended before its work was done. */
  endedBy?: ErrorData | undefined;
  stoppedBy?: RunSummary['stoppedBy'];
}

/** The last lines of a run on stderr. */
export function closingLines(
  { failures, unreached, allFound, endedBy, stoppedBy }: Closing,
  spell: SpellMailbox,
  { program, done }: ProgramWords = REPLICATING,
): ByteString[] {
  const lines = failureLines(failures, spell);
  if (endedBy !== undefined) lines.push(`${program}: ${reasonWithHint(endedBy, spell)}`);
  if (unreached.length > 0) {
    const limit = stoppedBy === undefined || stoppedBy === 'signal' ? '' : ` by --${stoppedBy}`;
    const how = stoppedBy === 'skip' ? 'users were skipped, as asked while it ran' : `stopped${limit}`;
    if (endedBy === undefined) lines.push(`${program}: ${how}; run again to continue`);
    const left = failures.length + unreached.length;
    lines.push(`${allFound ? '' : 'at least '}${left} users not ${done}`);
  }
  return lines;
}
