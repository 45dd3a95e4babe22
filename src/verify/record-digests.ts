import { hash } from 'node:crypto';
import type { WireRecord } from '../protocol/replica-session.ts';
import { isExpunged } from '../replicate/engine.ts';
import type { LockedMailbox } from '../store/master-store.ts';

/** The live records of one mailbox of the master, sixteen octets each: plain data, good after its locks are given back. */
export interface RecordDigests {
  /** Ascending. */
  uids: Float64Array;
  digests: Float64Array;
}

/** Hexadecimal digits that a number holds exactly; two records that differ and digest alike are not met in practice. */
const DIGEST_DIGITS = 13;

export function digestRecords(mailbox: LockedMailbox): RecordDigests {
  const uids: number[] = [];
  const digests: number[] = [];
  for (const page of mailbox.pages()) {
    for (let i = 0; i < page.count; i++) {
      if (page.expunged(i)) continue;
      uids.push(page.uid(i));
      digests.push(digestOf(page.record(i)));
    }
  }
  return { uids: Float64Array.from(uids), digests: Float64Array.from(digests) };
}

/** Takes the replica's records as they arrive, and keeps those alone that differ. */
export class RecordComparison {
  readonly #master: RecordDigests;
  readonly #most: number;
  #at = 0;
  /** By UID: the replica's record, or undefined where it has none. */
  readonly differing = new Map<number, WireRecord | undefined>();

  /** @param most that are kept: beyond, the mailbox is another one, and nobody reads on */
  constructor(master: RecordDigests, most: number) {
    this.#master = master;
    this.#most = most;
  }

  /** In UID order. What is expunged may be cleaned up on either side at any time, so that it is as if it were not there. */
  readonly take = (record: WireRecord): void => {
    if (isExpunged(record)) return;
    this.#skipTo(record.uid);
    const { uids, digests } = this.#master;
    const same = uids[this.#at] === record.uid && digests[this.#at] === digestOf(record);
    if (uids[this.#at] === record.uid) this.#at++;
    if (!same) this.#keep(record.uid, record);
  };

  end(): void {
    this.#skipTo(Number.POSITIVE_INFINITY);
  }

  #skipTo(uid: number): void {
    const { uids } = this.#master;
    for (let next = uids[this.#at]; next !== undefined && next < uid; next = uids[++this.#at]) {
      this.#keep(next, undefined);
    }
  }

  #keep(uid: number, record: WireRecord | undefined): void {
    if (this.differing.size < this.#most) this.differing.set(uid, record);
  }
}

function digestOf(record: WireRecord): number {
  const { modseq, lastUpdated, internaldate, size, guid, flags, annotations } = record;
  const text = JSON.stringify([
    ...[modseq, lastUpdated, internaldate, size, guid],
    flags.map((flag) => flag.toLowerCase()).sort(),
    annotations.map(({ entry, userid, value }) => [entry, userid, value]),
  ]);
  return Number.parseInt(hash('sha1', text).slice(0, DIGEST_DIGITS), 16);
}
