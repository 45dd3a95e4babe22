import type { WireRecord } from '../../protocol/replica-session.ts';
import { isExpunged, sameRecord } from './same-record.ts';

/** One side of a mailbox: its counters, and its records in the order of their UIDs. */
export interface Side {
  lastUid: number;
  highestmodseq: number;
  records: readonly WireRecord[];
}

export type MasterSide = Side & {
  /** Modseq up to which it has cleaned up; undefined where nothing tells. */
  deletedmodseq: number | undefined;
};

/**
 * Tells of a message of the replica that the master lacks whether the master had it, expunged it and cleaned it up. The
 * rest of what the master lacks may be the replica's own, and is not to be lost.
 */
export function wasCleanedUp(master: MasterSide, replica: Side): (theirs: WireRecord) => boolean {
  const { deletedmodseq } = master;
  if (deletedmodseq !== undefined) return ({ modseq }) => modseq < deletedmodseq;
  const uids = provenUids(master, replica);
  return ({ uid }) => uids.has(uid);
}

/**
 * A server that is asked says nothing of what it has cleaned up. Two things prove that it had a message all the same, just
 * as the replica has it:
 *
 *  - both sides have a record that is the same to the modseq, and this message has not been changed since then: what was
 *    there when both sides were one came from the master, or went to it;
 *  - the replica as a whole is a state that the master was in: nothing of it contradicts that.
 */
function provenUids(master: Side, replica: Side): ReadonlySet<number> {
  const ours = new Map(master.records.map((record) => [record.uid, record]));
  const lacking = replica.records.filter(
    (record) => record.uid <= master.lastUid && !isExpunged(record) && !ours.has(record.uid),
  );
  if (lacking.length === 0) return new Set();
  let agreedUpTo = 0;
  for (const theirs of replica.records) {
    if (isAgreed(ours.get(theirs.uid), theirs)) agreedUpTo = Math.max(agreedUpTo, theirs.modseq);
  }
  const isPast = isPastOf(master, replica, ours);
  return new Set(lacking.filter(({ modseq }) => modseq <= agreedUpTo || isPast).map(({ uid }) => uid));
}

function isAgreed(ours: WireRecord | undefined, theirs: WireRecord): boolean {
  return ours?.guid === theirs.guid && sameRecord(ours, theirs);
}

/** Tells whether the master may have been as the replica is, before it cleaned up. */
function isPastOf(master: Side, replica: Side, ours: ReadonlyMap<number, WireRecord>): boolean {
  if (replica.lastUid > master.lastUid || replica.highestmodseq > master.highestmodseq) return false;
  const there = new Set<number>();
  for (const theirs of replica.records) {
    there.add(theirs.uid);
    const own = ours.get(theirs.uid);
    if (own !== undefined && !mayHaveBecome(own, theirs, replica.highestmodseq)) return false;
  }
  return master.records.every(
    (own) => there.has(own.uid) || isExpunged(own) || own.modseq > replica.highestmodseq,
  );
}

function mayHaveBecome(own: WireRecord, theirs: WireRecord, heardUpTo: number): boolean {
  if (own.guid !== theirs.guid || (isExpunged(theirs) && !isExpunged(own))) return false;
  return own.modseq === theirs.modseq ? sameRecord(own, theirs) : own.modseq > heardUpTo;
}
