import type { ByteString } from '../../src/byte-string.ts';

/** The fate that the messages of one content in one mailbox must have. */
interface Account {
  /** Copies that were put there, on either side. */
  put: number;
  /** Nobody has expunged one. */
  kept: boolean;
  /** On the replica, with this MODSEQ. */
  there: number | undefined;
}

/** Messages that somebody put into a mailbox, on either side: none may be lost, and none doubled. */
export class Ledger {
  readonly #unaccountable = new Set<ByteString>();
  readonly #accounts = new Map<ByteString, Map<string, Account>>();

  /** @param there MODSEQ of a message that was put into the replica */
  put(uniqueid: ByteString, guid: string, there?: number): void {
    const accounts = this.#accounts.get(uniqueid) ?? new Map<string, Account>();
    const { put, kept } = accounts.get(guid) ?? { put: 0, kept: true };
    accounts.set(guid, { put: put + 1, kept, there });
    this.#accounts.set(uniqueid, accounts);
  }

  /** Nothing can be said of this mailbox any more. */
  forget(uniqueid: ByteString): void {
    this.#unaccountable.add(uniqueid);
  }

  /** One of that content was expunged: of two with one content the other may be the same to a merge. */
  expunge(uniqueid: ByteString, guid: string): void {
    const account = this.#accounts.get(uniqueid)?.get(guid);
    if (account) account.kept = false;
  }

  /**
   * A message of the replica with a MODSEQ below what the master has cleaned up may be one that the master had and removed:
   * nothing tells, and it is taken for that, as the C client does (algorithm 7.1).
   *
   * @param guids of the messages that are there, expunged ones not
   * @param deletedmodseq of the master's mailbox
   */
  *violations(uniqueid: ByteString, guids: readonly string[], deletedmodseq: number): Generator<string> {
    if (this.#unaccountable.has(uniqueid)) return;
    for (const [guid, { put, kept, there }] of this.#accounts.get(uniqueid) ?? []) {
      const copies = guids.filter((each) => each === guid).length;
      const isDoubtful = there !== undefined && there < deletedmodseq;
      if (copies === 0 && kept && !isDoubtful) yield `message ${guid} is lost on both sides`;
      if (copies > put) yield `message ${guid} is there ${copies} times, and was put there ${put} times`;
    }
  }
}
