import type { ReplicaMailbox } from '../../protocol/replica-session.ts';
import { SyncError } from '../../report/sync-error.ts';
import type { IndexRecord, LockedMailbox, RecordPage } from '../../store/master-store.ts';
import { hasHeardOf } from './has-heard-of.ts';
import type { PartialLimit } from './mailbox-line.ts';

/** The content of one MAILBOX command. */
export interface Delta {
  /** The records in UID order, modseqs of live messages already clamped to the limit. */
  records: IndexRecord[];
  /** The records whose message the replica must have staged. */
  uploads: IndexRecord[];
  /** Set if this is one step of several. */
  limit: PartialLimit | undefined;
  /** A live message above the replica's LAST_UID that its modseq says it has already: a delta would lose it. */
  coincidingUid: number | undefined;
}

type Base = Pick<ReplicaMailbox, 'lastUid' | 'highestmodseq'>;

const NOTHING: Base = { lastUid: 0, highestmodseq: 0 };

/**
 * Reads the records that the replica, standing at `remote`, does not have (algorithm 5.3, 5.4). The index is read once,
 * twice if the mailbox is to be sent in steps.
 *
 * @throws SyncError IMAP_MAILBOX_NOTSUPPORTED for a record without GUID
 */
export function readDelta(
  mailbox: LockedMailbox,
  remote: ReplicaMailbox | undefined,
  batchSize: number,
): Delta {
  const base: Base = remote ?? NOTHING;
  const limit = partialLimit(mailbox, base, batchSize);
  const delta: Delta = { records: [], uploads: [], limit, coincidingUid: undefined };
  const lastUid = limit?.uid ?? Number.POSITIVE_INFINITY;
  const lastModseq = limit?.modseq ?? Number.POSITIVE_INFINITY;

  for (const page of mailbox.pages()) {
    for (let i = 0; i < page.count; i++) {
      const uid = page.uid(i);
      if (uid > lastUid) return delta;
      const modseq = page.modseq(i);
      const isNew = uid > base.lastUid;
      if (hasHeardOf(base, modseq)) {
        if (isNew && !page.expunged(i)) delta.coincidingUid ??= uid;
        continue;
      }
      if (!isNew && modseq > lastModseq) continue;
      const record = wholeRecord(mailbox, page, i);
      // A later step corrects what is provisional here, but no server takes a correction of an expunged record.
      if (record.modseq > lastModseq && !page.expunged(i)) record.modseq = lastModseq;
      delta.records.push(record);
      if (isNew && !record.unlinked) delta.uploads.push(record);
    }
  }
  return delta;
}

/**
 * Where the first step ends, or undefined if the mailbox fits one command or its modseqs allow no step: whatever is left for
 * later has to be above the modseq that the replica stands at afterwards, which mail of modseq 0 or 1 never is.
 */
export function partialLimit(
  mailbox: LockedMailbox,
  base: Base,
  batchSize: number,
): PartialLimit | undefined {
  const { lastUid, highestmodseq } = mailbox.state;
  if (batchSize <= 0 || lastUid - base.lastUid <= batchSize) return undefined;
  let fresh = 0;
  let uid = 0;
  let lowestLater = Number.POSITIVE_INFINITY;
  for (const page of mailbox.pages(base.lastUid + 1)) {
    for (let i = 0; i < page.count; i++) {
      if (page.unlinked(i)) continue;
      fresh++;
      if (fresh === batchSize) uid = page.uid(i);
      if (fresh > batchSize) lowestLater = Math.min(lowestLater, page.modseq(i));
    }
  }
  if (fresh <= batchSize) return undefined;
  const modseq = Math.min(lowestLater - 1, highestmodseq);
  return base.highestmodseq < modseq && modseq < highestmodseq ? { uid, modseq } : undefined;
}

export interface NewMessage {
  guid: string;
  size: number;
}

/** GUIDs and sizes of messages above the replica's LAST_UID. */
export function* newMessages(mailbox: LockedMailbox, base: Base | undefined): Generator<NewMessage> {
  for (const page of mailbox.pages((base ?? NOTHING).lastUid + 1)) {
    for (let i = 0; i < page.count; i++) {
      if (page.unlinked(i) || page.guidIsNull(i)) continue;
      yield { guid: page.guid(i), size: page.size(i) };
    }
  }
}

function wholeRecord(mailbox: LockedMailbox, page: RecordPage, i: number): IndexRecord {
  if (page.guidIsNull(i)) {
    throw new SyncError(
      'IMAP_MAILBOX_NOTSUPPORTED',
      `message ${page.uid(i)} has no GUID: the mailbox was never converted from Cyrus 2.3 or older`,
      {
        mailbox: mailbox.entry.name,
        phase: 'compare',
        hint: 'run reconstruct -G on the mailbox on the master',
      },
    );
  }
  return page.record(i);
}
