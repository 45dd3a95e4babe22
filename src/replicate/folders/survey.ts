import type { ByteString } from '../../byte-string.ts';
import type { ReplicaMailbox } from '../../protocol/replica-session.ts';
import type { MailboxEvent } from '../../report/events.ts';
import type { LockedMailbox, MailboxEntry, MailboxState } from '../../store/master-store.ts';
import { type Comparison, compareMailbox, sameType } from '../compare/compare-mailbox.ts';
import { lacksConversations } from '../compare/lacks-conversations.ts';
import { type NewMessage, newMessages } from '../compare/read-delta.ts';
import { withUnreadAsThere } from '../compare/with-unread-as-there.ts';
import type { EngineContext } from '../connection/engine-context.ts';
import { GUIDS_PER_COMMAND, Reservation } from '../connection/reservation.ts';
import { isDoubtful, staleChecksums, withCountedChecksums } from '../merge/with-counted-checksums.ts';
import { type FolderJob, noteState, reportMailbox } from './folder-job.ts';
import type { FolderPlan } from './plan-folders.ts';

/** Mailboxes looked at under one lock of their owner, who cannot change anything meanwhile: some milliseconds. */
const PEEKED_TOGETHER = 64;

/** The part of one mailbox that has to be sent. */
export interface Work {
  entry: MailboxEntry;
  remote: ReplicaMailbox | undefined;
  comparison: Comparison;
}

/** Finds out what has to be sent, and has the replica reserve the messages that it holds already. */
export async function survey(
  context: EngineContext,
  job: FolderJob,
  entries: readonly MailboxEntry[],
  plan: FolderPlan,
): Promise<Work[]> {
  const work: Work[] = [];
  const reservation = new Reservation();
  let reserving = job.replica.length > 0;
  const unchanged = await unchangedOf(context, job, entries, plan);
  const isRead = (entry: MailboxEntry): boolean =>
    !entry.intermediate && !unchanged.has(entry) && (reserving || plan.matches.has(entry));
  context.store.expect(entries.filter(isRead).map(({ name }) => name));
  for (const entry of entries) {
    if (unchanged.has(entry)) continue;
    const remote = plan.matches.get(entry);
    if (entry.intermediate) {
      const { listsIntermediates } = context.session.info;
      if (listsIntermediates && (!remote || !sameIntermediate(entry, remote))) {
        work.push({ entry, remote, comparison: { kind: 'delta' } });
      }
      continue;
    }
    // The replica is not even asked for its messages.
    const isAside = context.setAside.some(({ mailbox }) => mailbox === entry.name);
    if (isAside || (!reserving && !remote)) {
      work.push({ entry, remote, comparison: { kind: 'delta' } });
      continue;
    }
    try {
      const look = await context.store.readMailbox(entry.name, (mailbox) =>
        lookAt(context, mailbox, remote, reserving),
      );
      if (!look) continue;
      const { state, comparison } = look;
      noteState(context, job, state);
      for (const remark of look.remarks) context.emit(remark);
      if (comparison.kind === 'unchanged') continue;
      work.push({ entry, remote, comparison });
      const partition = partitionOf(context, entry);
      // Asked for a partition that it lacks, the replica's server dies; these are sent once the partition is known.
      if (!context.partitions.isKnown(partition)) continue;
      for (const message of look.news) {
        if (!reserving) break;
        reserving = reservation.add(partition, message);
      }
    } catch (caught) {
      reportMailbox(context, job, entry, caught);
    }
  }
  if (reservation.worthAsking) {
    await reservation.ask(
      context,
      job.replica.filter((mailbox) => !mailbox.type.includes('i')).map((mailbox) => mailbox.name),
    );
  }
  return work;
}

interface Look {
  state: MailboxState;
  remarks: MailboxEvent[];
  comparison: Comparison;
  /** Messages that the replica may have elsewhere: as many as can be asked for. */
  news: NewMessage[];
}

function lookAt(
  context: EngineContext,
  mailbox: LockedMailbox,
  remote: ReplicaMailbox | undefined,
  reserving: boolean,
): Look {
  const { comparison, remarks } = remote ? compareDoubting(context, mailbox, remote) : NOT_THERE;
  const news: NewMessage[] = [];
  if (comparison.kind !== 'unchanged' && comparison.kind !== 'diverged' && reserving) {
    for (const message of newMessages(mailbox, remote)) {
      news.push(message);
      if (news.length === GUIDS_PER_COMMAND) break;
    }
  }
  return { state: mailbox.state, remarks, comparison, news };
}

type Compared = Pick<Look, 'comparison' | 'remarks'>;

const NOT_THERE: Compared = { comparison: { kind: 'delta' }, remarks: [] };

function compareDoubting(context: EngineContext, mailbox: LockedMailbox, remote: ReplicaMailbox): Compared {
  const local = withUnreadAsThere(mailbox, remote);
  const comparison = compareMailbox(local, remote, context.options);
  if (comparison.kind !== 'diverged' || !isDoubtful(context, comparison.reason)) {
    const isUncounted = lacksConversations(local, remote, context.options);
    const remarks: MailboxEvent[] = isUncounted
      ? [{ kind: 'mailbox:conversations-uncounted', name: mailbox.entry.name }]
      : [];
    return { comparison, remarks };
  }
  const counted = withCountedChecksums(mailbox, local, remote);
  const stale = staleChecksums(local, counted);
  return {
    comparison: compareMailbox(counted, remote, context.options),
    remarks: stale ? [stale] : [],
  };
}

/** Finds mailboxes that are the same on both sides by looking at many under one lock: on most days nearly all are. */
async function unchangedOf(
  context: EngineContext,
  job: FolderJob,
  entries: readonly MailboxEntry[],
  plan: FolderPlan,
): Promise<ReadonlySet<MailboxEntry>> {
  const unchanged = new Set<MailboxEntry>();
  const candidates = entries.filter((entry) => !entry.intermediate && plan.matches.has(entry));
  for (let first = 0; first < candidates.length; first += PEEKED_TOGETHER) {
    const views = await context.store.peek(candidates.slice(first, first + PEEKED_TOGETHER));
    for (const [entry, view] of views) {
      const remote = plan.matches.get(entry);
      if (!remote) continue;
      const local = withUnreadAsThere(view, remote);
      if (compareMailbox(local, remote, context.options).kind !== 'unchanged') continue;
      noteState(context, job, view.state);
      unchanged.add(entry);
    }
  }
  return unchanged;
}

function sameIntermediate(entry: MailboxEntry, remote: ReplicaMailbox): boolean {
  return sameType(remote.type, entry.type) && remote.foldermodseq === entry.foldermodseq;
}

export function partitionOf(context: EngineContext, entry: MailboxEntry): ByteString {
  return context.options.partition ?? entry.partition ?? '';
}
