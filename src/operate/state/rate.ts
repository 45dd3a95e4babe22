/** Long enough that a window of acknowledged messages does not throw it about, short enough to be called now. */
const WINDOW_MS = 10_000;
const SLOT_MS = 500;

interface Slot {
  /** Which of all slots since the clock began. */
  number: number;
  octets: number;
  messages: number;
}

export interface Rate {
  octets: number;
  messages: number;
}

/** The rate of the latest seconds: sums in a ring of slots, so that memory does not depend on how much went. */
export class SlidingRate {
  readonly #slots: Slot[] = [];
  #began: number | undefined;

  /** @param now milliseconds, never less than before */
  add(octets: number, messages: number, now: number): void {
    const number = Math.floor(now / SLOT_MS);
    const last = this.#slots.at(-1);
    if (last && last.number === number) {
      last.octets += octets;
      last.messages += messages;
    } else {
      this.#slots.push({ number, octets, messages });
    }
    this.#forget(now);
  }

  /** Time counts from here, so that the first seconds are not divided by a whole window. */
  start(now: number): void {
    this.#began ??= now;
  }

  perSecond(now: number): Rate {
    this.#forget(now);
    const seconds = Math.max(1_000, Math.min(WINDOW_MS, now - (this.#began ?? now))) / 1_000;
    let octets = 0;
    let messages = 0;
    for (const slot of this.#slots) {
      octets += slot.octets;
      messages += slot.messages;
    }
    return { octets: octets / seconds, messages: messages / seconds };
  }

  #forget(now: number): void {
    const oldest = Math.floor((now - WINDOW_MS) / SLOT_MS);
    while ((this.#slots[0]?.number ?? Number.POSITIVE_INFINITY) <= oldest) this.#slots.shift();
  }
}
