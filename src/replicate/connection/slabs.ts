/** Octets of the smallest buffer: a slice of small messages. */
const LEAST_OCTETS = 64 * 1024;
/** Octets of buffers that are kept for the next slices: what several connections have in flight in ordinary windows. */
const KEPT_OCTETS = 32 * 1024 ** 2;

/**
 * Memory for message slices, used again once the replica has answered: otherwise a large mailbox leaves behind a heap
 * full of buffers that only the next full garbage collection takes away. For all connections of a thread: with buffers of its own
 * each would keep what another has use for, and memory that was just used is the cheapest to use again.
 */
export class Slabs {
  readonly #free: Buffer[] = [];
  #freeOctets = 0;

  /** Hands out a buffer of at least that many octets, whose content is arbitrary. */
  take(octets: number): Buffer {
    const index = this.#free.findIndex((buffer) => buffer.length >= octets);
    const [free] = index < 0 ? [] : this.#free.splice(index, 1);
    if (!free) return Buffer.allocUnsafeSlow(sizeFor(octets));
    this.#freeOctets -= free.length;
    return free;
  }

  /** Takes a buffer back from which nothing reads any more. */
  giveBack(buffer: Buffer): void {
    this.#free.push(buffer);
    this.#freeOctets += buffer.length;
    if (this.#freeOctets <= KEPT_OCTETS) return;
    // The smallest serves the fewest.
    const smallest = this.#free.reduce((least, each) => (each.length < least.length ? each : least));
    this.#free.splice(this.#free.indexOf(smallest), 1);
    this.#freeOctets -= smallest.length;
  }
}

/** One of few sizes, or slices that differ by little would need a buffer each. */
function sizeFor(octets: number): number {
  return Math.max(LEAST_OCTETS, 2 ** Math.ceil(Math.log2(octets)));
}
