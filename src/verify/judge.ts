import type { ByteString } from '../byte-string.ts';
import type { EngineContext } from '../replicate/engine.ts';
import type { Difference, DifferenceKind } from '../report/difference.ts';
import type { Verdict } from '../report/events.ts';
import type { MailboxEntry } from '../store/master-store.ts';
import type { VerifyHow } from './how.ts';
import { isInShare } from './is-in-share.ts';
import { type Look, lookAtMailboxes, lookAtUser } from './look.ts';
import { lookAtRecords } from './look-at-records.ts';
import type { PendingUsers } from './pending-users.ts';

/** The parts that a job works with besides the engine's context. */
export interface VerifyParts {
  context: EngineContext;
  how: VerifyHow;
  pending: Pick<PendingUsers, 'includes'>;
  /** @param milliseconds a user who changes is left alone so long */
  pause(milliseconds: number): Promise<void>;
}

export type Subject =
  | { kind: 'user'; user: ByteString }
  /** `owners`: '' for shared mailboxes. */
  | { kind: 'mailboxes'; owners: readonly ByteString[]; names: readonly ByteString[] };

export interface Judgement {
  verdict: Exclude<Verdict, 'repaired'>;
  mailboxes: number;
  differences: Difference[];
  /** Neither side has anything of that name. */
  nothing: boolean;
}

/**
 * How long a user who differs is left alone before each further look, in milliseconds: about half a minute together.
 * Rolling replication has caught up with nearly everybody by then, and a run does not wait for those who never rest.
 */
const PAUSES = [250, 500, 1_000, 2_000, 4_000, 8_000, 16_000];

/**
 * Compares until it is sure: each thing that both sides had alike at one moment is proven; what differed at every look is
 * different if two looks in a row saw the same two values, while between them and after them nobody was at work on the user
 * and no sync log named it.
 * Nothing is changed on either side.
 */
export async function judge(parts: VerifyParts, subject: Subject): Promise<Judgement> {
  const { deep } = parts.how;
  let look = await lookAt(
    parts.context,
    subject,
    (entry) => deep !== undefined && isInShare(deep, entry.uniqueid),
  );
  const { mailboxes, nothing } = countOf(look);
  let open = new Map<string, Difference[]>();
  for (const difference of look.differences) addTo(open, difference);
  for (const milliseconds of PAUSES) {
    if (open.size === 0) break;
    await parts.pause(milliseconds);
    const wasQuiet = await isQuiet(parts, subject);
    const before = open;
    // What was proven is not looked at message by message again.
    look = await lookAt(
      parts.context,
      subject,
      (entry) =>
        deep !== undefined && isInShare(deep, entry.uniqueid) && before.has(placeOfMailbox(entry.name)),
    );
    const still = new Map<string, Difference[]>();
    for (const difference of look.differences) {
      if (open.has(placeOf(difference))) addTo(still, difference);
    }
    // Quiet before the look: what had been changed by then was on the replica, so that it is no change on its way that both
    // looks saw. Quiet after it: nor is it one whose line came late.
    if (sameDifferences(open, still) && wasQuiet && (await isQuiet(parts, subject))) {
      const sure = [...still.values()].flat();
      const all = await named(parts, look, sure);
      // What has been changed meanwhile is not what made them differ.
      const differences = (await isQuiet(parts, subject)) ? all : sure;
      return { verdict: 'different', mailboxes, differences, nothing };
    }
    open = still;
  }
  const verdict = open.size === 0 ? 'proven' : 'changing';
  return { verdict, mailboxes, differences: [...open.values()].flat(), nothing };
}

function lookAt(
  context: EngineContext,
  subject: Subject,
  isDeep: (mailbox: MailboxEntry) => boolean,
): Promise<Look> {
  return subject.kind === 'user'
    ? lookAtUser(context, subject.user, isDeep)
    : lookAtMailboxes(context, subject.names, isDeep);
}

/** Kinds that say that messages differ, not which. */
const OF_MESSAGES: ReadonlySet<DifferenceKind> = new Set<DifferenceKind>([
  ...(['last-uid', 'highestmodseq', 'record-checksum', 'annotation-checksum'] as const),
]);

/** The differences that are sure, with the messages by name that make a mailbox differ. */
async function named(
  { context }: VerifyParts,
  { pairs }: Look,
  differences: readonly Difference[],
): Promise<Difference[]> {
  const all = [...differences];
  for (const pair of pairs) {
    const own = differences.filter(({ mailbox }) => mailbox === pair.entry.name);
    const unnamed =
      own.some(({ kind }) => OF_MESSAGES.has(kind)) && own.every(({ uid }) => uid === undefined);
    if (unnamed) all.push(...(await lookAtRecords(context, pair)));
  }
  return all;
}

function countOf({ pairs, nothing }: Look): { mailboxes: number; nothing: boolean } {
  return { mailboxes: pairs.length, nothing };
}

/** The thing that is proven as one: a mailbox, or one of the others that a user has. */
function placeOf({ mailbox, kind, what }: Difference): string {
  return mailbox === undefined ? `${kind} ${what ?? ''}` : placeOfMailbox(mailbox);
}

function placeOfMailbox(name: ByteString): string {
  return `mailbox ${name}`;
}

function addTo(places: Map<string, Difference[]>, difference: Difference): void {
  const place = placeOf(difference);
  const there = places.get(place);
  if (there) there.push(difference);
  else places.set(place, [difference]);
}

function sameDifferences(
  before: ReadonlyMap<string, Difference[]>,
  now: ReadonlyMap<string, Difference[]>,
): boolean {
  return now.size > 0 && JSON.stringify([...before]) === JSON.stringify([...now]);
}

/** Nobody replicates the user at this moment, nor is about to. */
async function isQuiet({ context, pending }: VerifyParts, subject: Subject): Promise<boolean> {
  const owners = subject.kind === 'user' ? [subject.user] : subject.owners;
  for (const owner of owners) {
    if (await pending.includes(owner)) return false;
    using lock = context.store.trySyncLock(context.options.server, owner);
    if (!lock) return false;
  }
  return true;
}
