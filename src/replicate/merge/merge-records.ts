import type { ByteString } from '../../byte-string.ts';
import type { WireRecord } from '../../protocol/replica-session.ts';
import type { MergeRule } from '../../report/events.ts';
import { hasHeardOf } from '../compare/has-heard-of.ts';
import { isExpunged, sameRecord } from '../compare/same-record.ts';
import { type MasterSide, type Side, wasCleanedUp } from '../compare/was-cleaned-up.ts';

/**
 * The agreement of both sides, as the ordinary forward delta that each of them needs to reach it. Both lists are in
 * UID order and hold only records with a modseq above anything that the side had, so that either server accepts them and
 * its IMAP clients notice; a side that never had a message notices all.
 */
export interface Merge {
  lastUid: number;
  highestmodseq: number;
  toMaster: WireRecord[];
  toReplica: WireRecord[];
  /** Messages that a side lacks, with the UID under which the other side has the file. */
  masterNeeds: MessageSource[];
  replicaNeeds: MessageSource[];
  decided: Decision[];
}

export interface Decision {
  uid: number;
  rule: MergeRule;
  /** undefined: that side has no record of this UID. */
  masterGuid: string | undefined;
  replicaGuid: string | undefined;
}

export interface MessageSource {
  guid: string;
  size: number;
  uid: number;
}

/**
 * Decides every UID by the table (algorithm 7.1) and gives the merged mailbox. Pure, and idempotent: a merge
 * whose result reached only one side, because the run was killed, is completed by the next without a second copy of a
 * message that was given a new UID (recognised by GUID, INTERNALDATE and createdmodseq, which a renumbered record keeps).
 */
export function mergeRecords(master: MasterSide, replica: Side): Merge {
  const merger = new Merger(master, replica);
  for (const [ours, theirs] of pairs(master.records, replica.records)) merger.decide(ours, theirs);
  return merger.result();
}

class Merger {
  readonly #master: MasterSide;
  readonly #replica: Side;
  readonly #merge: Merge;
  readonly #isCleanedUp: (theirs: WireRecord) => boolean;
  /** Live records above the other side's LAST_UID: where an interrupted merge has put renumbered messages. */
  readonly #masterTail: Counted;
  readonly #replicaTail: Counted;
  /**
   * Renumbered here, with no equal of the other side so far. Where a side was given new messages after a merge was interrupted,
   * what that merge had renumbered on the other is below the LAST_UID of both, and is renumbered once more.
   */
  readonly #ofMaster = new Counted();
  readonly #ofReplica = new Counted();
  #pair: Pick<Decision, 'masterGuid' | 'replicaGuid'> = { masterGuid: undefined, replicaGuid: undefined };

  constructor(master: MasterSide, replica: Side) {
    this.#master = master;
    this.#replica = replica;
    this.#isCleanedUp = wasCleanedUp(master, replica);
    this.#masterTail = tail(master, replica.lastUid);
    this.#replicaTail = tail(replica, master.lastUid);
    this.#merge = {
      lastUid: Math.max(master.lastUid, replica.lastUid),
      highestmodseq: Math.max(master.highestmodseq, replica.highestmodseq),
      toMaster: [],
      toReplica: [],
      masterNeeds: [],
      replicaNeeds: [],
      decided: [],
    };
  }

  result(): Merge {
    this.#merge.toMaster.sort(byUid);
    this.#merge.toReplica.sort(byUid);
    return this.#merge;
  }

  decide(ours: WireRecord | undefined, theirs: WireRecord | undefined): void {
    this.#pair = { masterGuid: ours?.guid, replicaGuid: theirs?.guid };
    if (ours && theirs) this.#decideBoth(ours, theirs);
    else if (ours) this.#decideMasterOnly(ours);
    else if (theirs) this.#decideReplicaOnly(theirs);
  }

  #decideBoth(ours: WireRecord, theirs: WireRecord): void {
    const [gone, goneThere] = [isExpunged(ours), isExpunged(theirs)];
    if (gone && goneThere) return;
    if (ours.guid === theirs.guid) {
      if (goneThere) this.#both(expunged(ours), 'expunged-on-replica');
      else if (ours.modseq > this.#replica.highestmodseq) this.#forward(ours);
      else if (gone) this.#both(ours, 'expunged-on-master');
      else if (!sameRecord(ours, theirs)) this.#reconcile(ours, theirs);
      return;
    }
    const droppable = this.#isCleanedUp(theirs);
    if (goneThere) {
      this.#renumberMaster(ours, 'master-renumbered');
    } else if (gone) {
      if (droppable) this.#expungeReplica(theirs);
      else this.#renumberReplica(theirs, 'replica-renumbered');
    } else if (droppable) {
      this.#send('replica', expunged(theirs));
      this.#renumberMaster(ours, 'master-renumbered');
    } else if (ours.guid > theirs.guid) {
      this.#renumberReplica(theirs, 'both-renumbered');
      this.#renumberMaster(ours, 'both-renumbered');
    } else {
      this.#renumberMaster(ours, 'both-renumbered');
      this.#renumberReplica(theirs, 'both-renumbered');
    }
  }

  #decideMasterOnly(ours: WireRecord): void {
    const unseen = ours.uid > this.#replica.lastUid;
    const isNews = !hasHeardOf(this.#replica, ours.modseq);
    if (isExpunged(ours)) {
      if (unseen) this.#send('replica', ours, isNews);
      return;
    }
    if (!unseen) {
      this.#renumberMaster(ours, 'master-renumbered');
    } else if (isNews) {
      this.#merge.replicaNeeds.push(source(ours));
      this.#forward(ours);
    } else {
      this.#merge.replicaNeeds.push(source(ours));
      this.#both(ours, 'modseq-bumped');
    }
  }

  #decideReplicaOnly(theirs: WireRecord): void {
    if (isExpunged(theirs)) return;
    if (theirs.uid > this.#master.lastUid) {
      this.#merge.masterNeeds.push(source(theirs));
      this.#both(theirs, 'copied-back');
    } else if (this.#isCleanedUp(theirs)) {
      this.#expungeReplica(theirs);
    } else {
      this.#renumberReplica(theirs, 'replica-renumbered');
    }
  }

  /** Sends a record that is newer than anything there, as in any delta: the master need not be written to. */
  #forward(ours: WireRecord): void {
    this.#note(ours, 'sent');
    this.#send('replica', ours, true);
  }

  /** Decides rows 3 and 4. What never changes in a message's life stays the master's. */
  #reconcile(ours: WireRecord, theirs: WireRecord): void {
    const newer = theirs.modseq > ours.modseq && theirs.lastUpdated >= ours.lastUpdated;
    if (!newer) {
      this.#both(ours, 'master-kept');
      return;
    }
    const fixed = (entry: ByteString): boolean => FIXED_ENTRIES.has(entry);
    this.#both(
      {
        ...ours,
        lastUpdated: theirs.lastUpdated,
        flags: theirs.flags,
        annotations: orderAnnotations([
          ...theirs.annotations.filter((annotation) => !fixed(annotation.entry)),
          ...ours.annotations.filter((annotation) => fixed(annotation.entry)),
        ]),
      },
      'replica-newer',
    );
  }

  #renumberMaster(ours: WireRecord, rule: MergeRule): void {
    this.#note(ours, rule);
    this.#send('master', expunged(ours));
    // An interrupted merge may have brought it to the replica already: there it is copied back under that UID.
    if (this.#replicaTail.take(ours) || this.#ofReplica.take(ours)) return;
    this.#ofMaster.add(ours);
    this.#merge.replicaNeeds.push(source(ours));
    this.#append(ours);
  }

  #renumberReplica(theirs: WireRecord, rule: MergeRule): void {
    this.#note(theirs, rule);
    this.#send('replica', expunged(theirs));
    if (this.#masterTail.take(theirs) || this.#ofMaster.take(theirs)) return;
    this.#ofReplica.add(theirs);
    this.#merge.masterNeeds.push(source(theirs));
    this.#append(theirs);
  }

  /**
   * Changes the replica's state alone. Where the master's modseq is ahead anyway, the change fits below it, and the master
   * need not be written to for it.
   */
  #expungeReplica(theirs: WireRecord): void {
    this.#note(theirs, 'replica-expunged');
    const ahead = this.#master.highestmodseq > this.#replica.highestmodseq;
    const record = expunged(theirs);
    if (ahead) this.#merge.toReplica.push({ ...record, modseq: this.#master.highestmodseq });
    else this.#send('replica', record);
  }

  /** Gives the message the next UID, on both sides. */
  #append(record: WireRecord): void {
    this.#merge.lastUid++;
    const appended = { ...record, uid: this.#merge.lastUid, modseq: this.#nextModseq() };
    this.#merge.toMaster.push(appended);
    this.#merge.toReplica.push(appended);
  }

  #both(record: WireRecord, rule: MergeRule): void {
    this.#note(record, rule);
    const bumped = { ...record, modseq: this.#nextModseq() };
    this.#merge.toMaster.push(bumped);
    this.#merge.toReplica.push(bumped);
  }

  #send(side: 'master' | 'replica', record: WireRecord, keepModseq = false): void {
    const sent = keepModseq ? record : { ...record, modseq: this.#nextModseq() };
    if (side === 'master') this.#merge.toMaster.push(sent);
    else this.#merge.toReplica.push(sent);
  }

  #note(record: WireRecord, rule: MergeRule): void {
    this.#merge.decided.push({ uid: record.uid, rule, ...this.#pair });
  }

  #nextModseq(): number {
    return ++this.#merge.highestmodseq;
  }
}

const VIRTUAL = '/vendor/cmu/cyrus-imapd/';
const CREATEDMODSEQ = `${VIRTUAL}createdmodseq`;
/** Belong to the message, not to its changes. */
const FIXED_ENTRIES = new Set([CREATEDMODSEQ, `${VIRTUAL}savedate`, `${VIRTUAL}basethrid`]);
/** Sent after the stored annotations, in this order (protocol 7.5). */
const VIRTUAL_ORDER = [`${VIRTUAL}thrid`, `${VIRTUAL}savedate`, CREATEDMODSEQ];

function orderAnnotations(annotations: WireRecord['annotations'][number][]): WireRecord['annotations'] {
  const rank = (entry: ByteString): number => VIRTUAL_ORDER.indexOf(entry);
  return annotations.sort(
    (a, b) =>
      rank(a.entry) - rank(b.entry) ||
      compare(a.entry, b.entry) ||
      compare(a.userid, b.userid) ||
      compare(a.value, b.value),
  );
}

function compare(a: ByteString, b: ByteString): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function* pairs(
  ours: readonly WireRecord[],
  theirs: readonly WireRecord[],
): Generator<[WireRecord | undefined, WireRecord | undefined]> {
  let i = 0;
  let j = 0;
  for (;;) {
    const [a, b] = [ours[i], theirs[j]];
    if (!a && !b) return;
    if (a && b && a.uid === b.uid) {
      yield [a, b];
      i++;
      j++;
    } else if (a && (!b || a.uid < b.uid)) {
      yield [a, undefined];
      i++;
    } else {
      yield [undefined, b];
      j++;
    }
  }
}

/** Messages by identity; as many as were added, since one COPY can bring two that are alike. */
class Counted {
  readonly #counts = new Map<string, number>();

  add(record: WireRecord): void {
    const key = identity(record);
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1);
  }

  /** @returns whether there was one more */
  take(record: WireRecord): boolean {
    const key = identity(record);
    const count = this.#counts.get(key) ?? 0;
    if (count > 0) this.#counts.set(key, count - 1);
    return count > 0;
  }
}

function tail(side: Side, otherLastUid: number): Counted {
  const live = new Counted();
  for (const record of side.records) if (record.uid > otherLastUid && !isExpunged(record)) live.add(record);
  return live;
}

/**
 * A key that is equal for a message and its renumbered self, and different for a copy that a user made, which was created
 * later.
 */
function identity(record: WireRecord): string {
  const created = record.annotations.find((annotation) => annotation.entry === CREATEDMODSEQ);
  return `${record.guid} ${record.internaldate} ${created?.value ?? `uid ${record.uid}`}`;
}

/** Adds \Expunged where the wire's order has it: before \Seen and the user flags. */
function expunged(record: WireRecord): WireRecord {
  const before = ['\\Deleted', '\\Answered', '\\Flagged', '\\Draft'];
  return {
    ...record,
    flags: [
      ...record.flags.filter((flag) => before.includes(flag)),
      '\\Expunged',
      ...record.flags.filter((flag) => !before.includes(flag)),
    ],
  };
}

function source(record: WireRecord): MessageSource {
  return { guid: record.guid, size: record.size, uid: record.uid };
}

function byUid(a: WireRecord, b: WireRecord): number {
  return a.uid - b.uid;
}
