import type { ByteString } from '../../byte-string.ts';

/** Messages that are remembered, some 200 octets of memory each; the oldest are forgotten. */
const MOST_REMEMBERED = 32_768;
/** Octets of the smallest that are: sending a smaller one again costs less than having it looked for. */
const LEAST_OCTETS = 8 * 1024;

interface Message {
  guid: string;
  size: number;
}

/** Large messages that the replica has said it has, each with a mailbox that holds it: what others have too is linked there. */
export class MessagesThere {
  readonly #places = new Map<string, { partition: ByteString; mailbox: ByteString }>();

  /** @param messages of that mailbox, which the replica has confirmed */
  note(partition: ByteString, mailbox: ByteString, messages: Iterable<Message>): void {
    const place = { partition, mailbox };
    for (const { guid, size } of messages) {
      if (size < LEAST_OCTETS || this.#places.has(guid)) continue;
      this.#places.set(guid, place);
      if (this.#places.size > MOST_REMEMBERED) this.#forgetOldest();
    }
  }

  /** @returns a mailbox of the replica on that partition that holds the message, as far as is known */
  mailboxWith(partition: ByteString, guid: string): ByteString | undefined {
    const place = this.#places.get(guid);
    return place?.partition === partition ? place.mailbox : undefined;
  }

  #forgetOldest(): void {
    for (const guid of this.#places.keys()) {
      this.#places.delete(guid);
      return;
    }
  }
}
