import type { ByteString } from '../../src/byte-string.ts';

/** Messages that somebody put into a mailbox, on either side, and that nobody has expunged since. */
export class Ledger {
  readonly #kept = new Map<ByteString, Set<string>>();

  put(uniqueid: ByteString, guid: string): void {
    const guids = this.#kept.get(uniqueid) ?? new Set();
    guids.add(guid);
    this.#kept.set(uniqueid, guids);
  }

  /** One of that content was expunged: of two with one content the other may be the same to a merge. */
  expunge(uniqueid: ByteString, guid: string): void {
    this.#kept.get(uniqueid)?.delete(guid);
  }

  keptIn(uniqueid: ByteString): ReadonlySet<string> {
    return this.#kept.get(uniqueid) ?? new Set();
  }
}
