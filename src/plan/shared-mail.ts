import type { ByteString } from '../byte-string.ts';

/** GUIDs remembered at once, about 100 octets of memory each. With more only a sample of them is kept. */
const MOST_REMEMBERED = 250_000;

/** Hex digits that say whether a GUID is in the sample, and so many of its own to tell it from others. */
const SAMPLE_DIGITS = 8;
const KEPT_DIGITS = 20;

/** Messages that several users have. */
export interface SharedMailCount {
  messages: number;
  /** The sum of the copies beyond the first one. */
  octets: number;
  /** More messages than can be remembered: counted from one in so many of them. */
  oneIn: number;
}

/**
 * How much of the mail that would be sent several users have. GUIDs are SHA-1 sums, so that those whose first digits are a
 * multiple of some power of two are a fair sample: with each halving of it the memory stays the same.
 */
export class SharedMail {
  readonly #most: number;
  readonly #first = new Map<string, ByteString>();
  #oneIn = 1;
  #messages = 0;
  #octets = 0;

  constructor(most: number = MOST_REMEMBERED) {
    this.#most = most;
  }

  add(user: ByteString, guid: string, octets: number): void {
    if (!this.#isSampled(guid)) return;
    const key = guid.slice(0, KEPT_DIGITS);
    const first = this.#first.get(key);
    if (first === undefined) {
      this.#first.set(key, user);
      if (this.#first.size > this.#most) this.#halve();
    } else if (first !== user) {
      this.#messages += 1;
      this.#octets += octets;
    }
  }

  get count(): SharedMailCount {
    const oneIn = this.#oneIn;
    return { messages: this.#messages * oneIn, octets: this.#octets * oneIn, oneIn };
  }

  #isSampled(guid: string): boolean {
    return Number.parseInt(guid.slice(0, SAMPLE_DIGITS), 16) % this.#oneIn === 0;
  }

  /** Every second one goes, and with it its half of what has been counted. */
  #halve(): void {
    this.#oneIn *= 2;
    this.#messages = Math.round(this.#messages / 2);
    this.#octets = Math.round(this.#octets / 2);
    for (const key of this.#first.keys()) if (!this.#isSampled(key)) this.#first.delete(key);
  }
}
