import type { WireRecord } from '../../protocol/replica-session.ts';
import type { LockedMailbox } from '../../store/master-store.ts';
import { isExpunged } from './same-record.ts';

/** Hexadecimal digits of a GUID that a number holds exactly. */
const GUID_DIGITS = 13;

/** UIDs and messages of one mailbox of the master, sixteen octets each: plain data, good after its locks are given back. */
export interface MessageList {
  /** Ascending; expunged ones included. */
  uids: Float64Array;
  /** NaN: expunged. */
  guids: Float64Array;
}

export function listMessages(mailbox: LockedMailbox): MessageList {
  const uids: number[] = [];
  const guids: number[] = [];
  for (const page of mailbox.pages()) {
    for (let i = 0; i < page.count; i++) {
      uids.push(page.uid(i));
      guids.push(page.expunged(i) ? Number.NaN : guidNumber(page.guid(i)));
    }
  }
  return { uids: Float64Array.from(uids), guids: Float64Array.from(guids) };
}

/** Takes the replica's records in UID order, and notices what would be gone from there with the mailbox. */
export class ReplicaOwn {
  readonly #ours: MessageList;
  #at = 0;
  /** A message that is not here, or not with this content. */
  message: number | undefined;
  /** An expunged one that has been cleaned up here: an administrator may still bring it back there. */
  expunged: number | undefined;

  constructor(ours: MessageList) {
    this.#ours = ours;
  }

  readonly take = (record: WireRecord): void => {
    const { uids, guids } = this.#ours;
    while ((uids[this.#at] ?? Number.POSITIVE_INFINITY) < record.uid) this.#at++;
    const isKnown = uids[this.#at] === record.uid;
    if (isExpunged(record)) {
      if (!isKnown) this.expunged ??= record.uid;
    } else if (!isKnown || guids[this.#at] !== guidNumber(record.guid)) {
      this.message ??= record.uid;
    }
  };
}

function guidNumber(guid: string): number {
  return Number.parseInt(guid.slice(0, GUID_DIGITS), 16);
}
