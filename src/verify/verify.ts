/**
 * The door of `verify`. Here both sides are compared: differences as pure functions over plain data, looks that collect the data
 * under no lock that outlasts a read, and a verdict once it is sure. It uses the engine's own decisions by its door. Nobody who is
 * at work is called different, and nothing is changed unless repair was asked for.
 */

import type { JobResult } from '../replicate/engine.ts';
import { type Difference, gradeOfDifferences } from '../report/difference.ts';
import type { Verdict } from '../report/events.ts';
import type { Grade } from '../report/grade.ts';
import { SyncError } from '../report/sync-error.ts';
import { type Judgement, judge, type Subject, type VerifyParts } from './judge.ts';
import { mend } from './mend.ts';

/**
 * One job of `verify`: compares, says what differs as events, and where that is wanted replicates it and compares again.
 *
 * @param replicate the engine's own job for the same subject
 * @throws SyncError if nothing could be told, or nothing be replicated
 */
export async function verify(
  parts: VerifyParts,
  subject: Subject,
  replicate: () => Promise<JobResult>,
): Promise<JobResult> {
  const first = await judge(parts, subject);
  if (first.nothing) {
    tellAbsent(parts, subject);
    return 'absent';
  }
  if (first.verdict !== 'different' || !parts.how.repair) {
    tell(parts, subject, first);
    return 'synced';
  }
  let last: Judgement;
  try {
    if (isKnownHere(parts, subject)) await replicate();
    last = await judge(parts, subject);
    if (last.verdict === 'different' && (await mend(parts, last.differences))) {
      await replicate();
      last = await judge(parts, subject);
    }
  } catch (caught) {
    // What is postponed rather than failed begins from the beginning.
    if (caught instanceof SyncError) tell(parts, subject, first);
    throw caught;
  }
  tell(parts, subject, last, first.differences);
  return 'synced';
}

/** Nothing can be replicated of a name without a row here, not even that of something deleted. */
function isKnownHere({ context: { store } }: VerifyParts, subject: Subject): boolean {
  if (subject.kind === 'mailboxes') return subject.names.some((name) => store.lookup(name) !== undefined);
  const { user } = subject;
  return store.lookup(store.inboxName(user)) !== undefined || store.mailboxesOf(user).length > 0;
}

/**
 * Tells what one attempt found; whether it was the last, and this is to be heard, others know. A difference that does not hold
 * still is none that anybody can be told.
 *
 * @param before what differed before a repair
 */
function tell(
  { context }: VerifyParts,
  subject: Subject,
  judgement: Judgement,
  before?: readonly Difference[],
): void {
  const { differences, mailboxes } = judgement;
  const verdict = before && judgement.verdict === 'proven' ? 'repaired' : judgement.verdict;
  const sure = verdict === 'different' ? differences : [];
  for (const difference of before ? eachOnce([...before, ...sure]) : sure) {
    context.emit({ kind: 'verify:difference', difference });
  }
  const user = subject.kind === 'user' ? subject.user : (subject.owners[0] ?? '');
  const grade = gradeOf(verdict, differences);
  context.emit({ kind: 'user:graded', user, grade, differences: differences.length });
  context.emit({ kind: 'verify:verdict', user, verdict, mailboxes, differences: differences.length });
}

/** A repair may leave some of what differed as it was. */
function eachOnce(differences: readonly Difference[]): Iterable<Difference> {
  return new Map(differences.map((difference) => [JSON.stringify(difference), difference])).values();
}

function gradeOf(verdict: Verdict, differences: readonly Difference[]): Grade {
  if (verdict === 'changing') return 'changing';
  if (verdict !== 'different') return 'identical';
  return gradeOfDifferences(differences);
}

function tellAbsent({ context }: VerifyParts, subject: Subject): void {
  const names = subject.kind === 'user' ? [subject.user] : subject.names;
  for (const name of names) context.emit({ kind: 'name:absent', name });
}
