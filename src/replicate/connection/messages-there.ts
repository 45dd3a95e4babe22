import type { ByteString } from '../../byte-string.ts';
import { MessagesOnTheirWay } from './messages-on-their-way.ts';

/** Messages that are remembered, some 200 octets of memory each; the oldest are forgotten. */
const MOST_REMEMBERED = 32_768;
/** Octets from which on linking pays. */
export interface WorthLinking {
  /** Sending a smaller one again costs less than having it looked for. */
  message: number;
  /** All that it links: a disk that holds a message once is worth a round trip sooner than a link that carries it once. */
  command: number;
}

const WORTH_LINKING: WorthLinking = { message: 4 * 1024, command: 16 * 1024 };

interface Message {
  guid: string;
  size: number;
}

/** Large messages that the replica has said it has, each with a mailbox that holds it: what others have too is linked there. */
export class MessagesThere {
  readonly worthLinking: WorthLinking;
  readonly onTheirWay: MessagesOnTheirWay;
  readonly #places = new Map<string, { partition: ByteString; mailbox: ByteString }>();

  /** @param worthLinking simulations reach less */
  constructor(worthLinking = WORTH_LINKING) {
    this.worthLinking = worthLinking;
    this.onTheirWay = new MessagesOnTheirWay(worthLinking.message);
  }

  /** @param messages of that mailbox, which the replica has confirmed */
  note(partition: ByteString, mailbox: ByteString, messages: Iterable<Message>): void {
    const place = { partition, mailbox };
    for (const { guid, size } of messages) {
      if (size < this.worthLinking.message || this.#places.has(guid)) continue;
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
