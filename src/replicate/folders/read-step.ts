import type { ReplicaMailbox } from '../../protocol/replica-session.ts';
import type { DivergedReason, MailboxEvent } from '../../report/events.ts';
import type {
  IndexRecord,
  LockedMailbox,
  MailboxEntry,
  MailboxMessages,
  MailboxState,
} from '../../store/master-store.ts';
import { appendWouldMiss } from '../compare/append-would-miss.ts';
import { checkSame } from '../compare/check-same.ts';
import {
  type CompareOptions,
  type Comparison,
  compareMailbox,
  type LocalMailbox,
} from '../compare/compare-mailbox.ts';
import { holdsOnlyOurs } from '../compare/holds-only-ours.ts';
import type { KnownMailbox } from '../compare/known-mailbox.ts';
import { type Delta, readDelta } from '../compare/read-delta.ts';
import { withUnreadAsThere } from '../compare/with-unread-as-there.ts';
import { masterRecords } from '../merge/record-lists.ts';
import { staleChecksums, withCountedChecksums } from '../merge/with-counted-checksums.ts';

export interface StepOptions extends CompareOptions {
  batchSize: number;
  /** A conflict must not be found out by the replica's final checksum, since nobody may mend the master. */
  compareFirst: boolean;
  /** Checksums from the records, in place of those in the index. */
  count: boolean;
}

/** The next step of a mailbox, from one look at it. Plain data, as it was at one moment. */
export type StepReading = { state: MailboxState; stale?: MailboxEvent } & (
  | { kind: 'unchanged' }
  | { kind: 'diverged'; reason: DivergedReason; detail: string }
  | {
      kind: 'delta';
      local: LocalMailbox;
      delta: Delta;
      messages: MailboxMessages;
      /** All records, if they have to be compared with the replica's before anything is sent. */
      ours: IndexRecord[] | undefined;
    }
);

const NOT_THERE: Comparison = { kind: 'delta' };

/** @throws SyncError IMAP_MAILBOX_MOVED if this is not the mailbox that was listed */
export function readStep(
  mailbox: LockedMailbox,
  listed: MailboxEntry,
  remote: KnownMailbox | undefined,
  options: StepOptions,
): StepReading {
  checkSame(mailbox, listed);
  const { state, messages } = mailbox;
  const stored = withUnreadAsThere(mailbox, remote);
  const local = options.count ? withCountedChecksums(mailbox, stored, remote) : stored;
  const stale = staleChecksums(stored, local);
  const common = stale ? { state, stale } : { state };
  const comparison = remote ? compareMailbox(local, remote, options) : NOT_THERE;
  if (comparison.kind === 'unchanged' || comparison.kind === 'diverged') return { ...comparison, ...common };
  const delta = readDelta(mailbox, remote, options.batchSize);
  if (delta.coincidingUid !== undefined) {
    return {
      kind: 'diverged',
      ...common,
      reason: 'modseq-coincides',
      detail: `message ${delta.coincidingUid} is missing on the replica although its modseq is not above the replica's`,
    };
  }
  if (comparison.kind === 'cleaned-up') {
    const isDelta = remote && !delta.limit && holdsOnlyOurs(local.state, remote, delta.records);
    if (!isDelta) return { ...comparison, ...common, kind: 'diverged' };
  }
  if (remote && !delta.limit && appendWouldMiss(local.state, remote, delta.records)) {
    return {
      kind: 'diverged',
      ...common,
      reason: 'crc-differs-below-append',
      detail: `the replica's SYNC_CRC ${remote.crcBasic} is not what the master had at modseq ${remote.highestmodseq}`,
    };
  }
  const compareFirst = options.compareFirst && remote && !delta.limit && changesOld(delta, remote);
  const ours = compareFirst ? masterRecords(mailbox) : undefined;
  return { kind: 'delta', ...common, local, delta, messages, ours };
}

/** Tells whether records change that the replica has already: the checksums do not say how those were before. */
function changesOld(delta: Delta, remote: ReplicaMailbox): boolean {
  return delta.records.some((record) => record.uid <= remote.lastUid);
}
