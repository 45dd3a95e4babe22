import type { ByteString } from '../../src/byte-string.ts';

/** The fate that the messages of one content in one mailbox must have. */
interface Account {
  /** Copies that were put there, on either side. */
  put: number;
  /** Nobody has expunged one. */
  kept: boolean;
}

/** Messages that somebody put into a mailbox, on either side: none may be lost, and none doubled. */
export class Ledger {
  readonly #accounts = new Map<ByteString, Map<string, Account>>();

  put(uniqueid: ByteString, guid: string): void {
    const accounts = this.#accounts.get(uniqueid) ?? new Map<string, Account>();
    const { put, kept } = accounts.get(guid) ?? { put: 0, kept: true };
    accounts.set(guid, { put: put + 1, kept });
    this.#accounts.set(uniqueid, accounts);
  }

  /** One of that content was expunged: of two with one content the other may be the same to a merge. */
  expunge(uniqueid: ByteString, guid: string): void {
    const account = this.#accounts.get(uniqueid)?.get(guid);
    if (account) account.kept = false;
  }

  /** @param guids of the messages that are there, expunged ones not */
  *violations(uniqueid: ByteString, guids: readonly string[]): Generator<string> {
    for (const [guid, { put, kept }] of this.#accounts.get(uniqueid) ?? []) {
      const copies = guids.filter((each) => each === guid).length;
      if (copies === 0 && kept) yield `message ${guid} is lost on both sides`;
      if (copies > put) yield `message ${guid} is there ${copies} times, and was put there ${put} times`;
    }
  }
}
