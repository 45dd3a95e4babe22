/** Tokens that were not used lately may be used at once: as much as an event loop that was busy is late. */
const BURST_NS = 200_000_000n;
/** A pause that ends and a rate that changes are seen after so long, in every thread. */
const LONGEST_WAIT_MS = 200;
const SECOND_NS = 1_000_000_000n;

/** Octets that go out together: so few that a low rate is even, so many that a high one costs nothing. */
const LEAST_PIECE_OCTETS = 512;
const MOST_PIECE_OCTETS = 64 * 1024;
const PIECES_PER_SECOND = 50;

const RATE = 0;
const PAUSED = 1;
const PAID_UNTIL = 2;
const FIELDS = 3;

/**
 * One limit on the octets of all connections, in whichever threads they are: three numbers in memory that all of them see.
 *
 * Whoever wants to send asks first. What goes out is paid for in time: it moves the moment until which all is paid, and nobody
 * may send before that moment has come. So the rate is exact however many share it, and a new one counts from then on, also for
 * those who wait already. Time is the kernel's monotonic clock, the same in each thread.
 */
export class TokenBucket {
  readonly #memory: SharedArrayBuffer;
  readonly #fields: BigInt64Array;
  readonly #nowNs: () => bigint;

  constructor(memory: SharedArrayBuffer, nowNs: () => bigint = process.hrtime.bigint) {
    this.#memory = memory;
    this.#fields = new BigInt64Array(memory);
    this.#nowNs = nowNs;
  }

  static memory(): SharedArrayBuffer {
    return new SharedArrayBuffer(FIELDS * BigInt64Array.BYTES_PER_ELEMENT);
  }

  /** For other threads. */
  get memory(): SharedArrayBuffer {
    return this.#memory;
  }

  /** Octets a second; undefined = no limit. */
  get rate(): number | undefined {
    const rate = Number(Atomics.load(this.#fields, RATE));
    return rate === 0 ? undefined : rate;
  }

  /** @param octetsPerSecond at least 1 */
  setRate(octetsPerSecond: number | undefined): void {
    Atomics.store(this.#fields, RATE, BigInt(Math.round(octetsPerSecond ?? 0)));
    // Nothing was saved before, and what one piece still owes would be a long time at a low rate.
    Atomics.store(this.#fields, PAID_UNTIL, this.#nowNs());
  }

  get paused(): boolean {
    return Atomics.load(this.#fields, PAUSED) !== 0n;
  }

  /** Nothing goes out at all, whatever the rate. */
  set paused(paused: boolean) {
    Atomics.store(this.#fields, PAUSED, paused ? 1n : 0n);
  }

  /** Octets to ask for at a time. */
  get pieceOctets(): number {
    const { rate } = this;
    if (rate === undefined) return Number.POSITIVE_INFINITY;
    return Math.max(LEAST_PIECE_OCTETS, Math.min(MOST_PIECE_OCTETS, Math.floor(rate / PIECES_PER_SECOND)));
  }

  /** @returns 0: they may go out, and are counted; otherwise milliseconds after which to ask again */
  take(octets: number): number {
    if (this.paused) return LONGEST_WAIT_MS;
    for (;;) {
      const rate = Atomics.load(this.#fields, RATE);
      if (rate === 0n) return 0;
      const now = this.#nowNs();
      const paidUntil = Atomics.load(this.#fields, PAID_UNTIL);
      if (paidUntil > now) return Math.min(LONGEST_WAIT_MS, Math.ceil(Number(paidUntil - now) / 1e6));
      const from = paidUntil > now - BURST_NS ? paidUntil : now - BURST_NS;
      const next = from + (BigInt(octets) * SECOND_NS) / rate;
      // Another thread may have been first.
      if (Atomics.compareExchange(this.#fields, PAID_UNTIL, paidUntil, next) === paidUntil) return 0;
    }
  }
}
