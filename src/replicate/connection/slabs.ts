/** Octets of the smallest buffer: a slice of small messages. */
const LEAST_OCTETS = 64 * 1024;
/** Buffers that are kept for the next slices: as many as are in flight in an ordinary window. */
const KEPT_SLABS = 8;

/**
 * Memory for message slices, used again once the replica has answered: otherwise a large mailbox leaves behind a heap
 * full of buffers that only the next full garbage collection takes away.
 */
export class Slabs {
  readonly #free: Buffer[] = [];

  /** Hands out a buffer of at least that many octets, whose content is arbitrary. */
  take(octets: number): Buffer {
    const index = this.#free.findIndex((buffer) => buffer.length >= octets);
    const [free] = index < 0 ? [] : this.#free.splice(index, 1);
    return free ?? Buffer.allocUnsafeSlow(Math.max(LEAST_OCTETS, octets));
  }

  /** Takes a buffer back from which nothing reads any more. */
  giveBack(buffer: Buffer): void {
    this.#free.push(buffer);
    if (this.#free.length <= KEPT_SLABS) return;
    // The smallest serves the fewest.
    this.#free.sort((a, b) => b.length - a.length).pop();
  }
}
