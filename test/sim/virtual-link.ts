import { Duplex } from 'node:stream';
import { nowMs } from '../../src/now-ms.ts';
import type { Random } from './random.ts';

export interface LinkNature {
  /** One way. */
  latencyMs: number;
  octetsPerSecond: number;
  /** Both ends learn of it, each in its time, when so many octets went that way. */
  cut: { towards: 'client' | 'server'; octets: number } | undefined;
  /** From so many octets to the server on nothing arrives any more, in either direction, and nobody is told. */
  stallOctets: number | undefined;
}

/** Octets that are taken from a writer beyond what has arrived, as a socket's buffers take them. */
const BUFFER_OCTETS = 64 * 1024;

/** A connection of two ends in one process, on whatever time there is. */
export class VirtualLink {
  readonly client: VirtualSocket;
  readonly server: VirtualSocket;
  readonly #nature: LinkNature;
  readonly #random: Random;
  #octetsToServer = 0;
  #octetsToClient = 0;

  constructor(nature: LinkNature, random: Random) {
    this.#nature = nature;
    this.#random = random;
    this.client = new VirtualSocket((octets, taken) => this.#carry(this.server, octets, taken));
    this.server = new VirtualSocket((octets, taken) => this.#carry(this.client, octets, taken));
    this.client.onEnd = (error) => this.#tellEnd(this.server, error);
    this.server.onEnd = (error) => this.#tellEnd(this.client, error);
  }

  /** Gone at once for both, as when a host is switched off and on again. */
  break(): void {
    for (const end of [this.client, this.server]) end.destroy(reset());
  }

  get #stalled(): boolean {
    return this.#octetsToServer >= (this.#nature.stallOctets ?? Number.POSITIVE_INFINITY);
  }

  #carry(to: VirtualSocket, octets: Buffer, taken: () => void): void {
    const towards = to === this.server ? 'server' : 'client';
    const before = towards === 'server' ? this.#octetsToServer : this.#octetsToClient;
    if (towards === 'server') this.#octetsToServer += octets.length;
    else this.#octetsToClient += octets.length;
    if (this.#stalled) return;

    const { cut, latencyMs, octetsPerSecond } = this.#nature;
    const leavesMs = Math.max(to.busyUntilMs, nowMs()) + (octets.length * 1_000) / octetsPerSecond;
    to.busyUntilMs = leavesMs;
    to.underWay += octets.length;
    to.mostUnderWay = Math.max(to.mostUnderWay, to.underWay);
    const buffered = to.underWay <= BUFFER_OCTETS;
    if (buffered) taken();
    const whole = octets.subarray(0, cut?.towards === towards ? Math.max(0, cut.octets - before) : undefined);
    setTimeout(
      () => {
        to.underWay -= octets.length;
        for (const piece of this.#pieces(whole)) to.arrive(piece);
        if (whole.length < octets.length) this.break();
        else if (!buffered) taken();
      },
      leavesMs + latencyMs - nowMs(),
    );
  }

  /** Octets are handed over as they come, cut where nobody expects it. */
  #pieces(octets: Buffer): Buffer[] {
    if (octets.length < 2 || this.#random.chance(0.7)) return octets.length > 0 ? [octets] : [];
    const at = this.#random.between(1, octets.length - 1);
    return [octets.subarray(0, at), octets.subarray(at)];
  }

  /** In order, behind what is still under way. */
  #tellEnd(to: VirtualSocket, error: Error | null): void {
    if (this.#stalled) return;
    const atMs = Math.max(to.busyUntilMs, nowMs()) + this.#nature.latencyMs;
    setTimeout(() => {
      if (error) to.destroy(reset());
      else to.arrive(null);
    }, atMs - nowMs());
  }
}

/** One end; has what the client asks of a socket. */
export class VirtualSocket extends Duplex {
  /** Milliseconds at which everything written to it so far has left the other end. */
  busyUntilMs = 0;
  /** Octets that were written to it and have not arrived. */
  underWay = 0;
  mostUnderWay = 0;
  onEnd: (error: Error | null) => void = () => undefined;
  #told = false;
  #silence: NodeJS.Timeout | undefined;
  #silenceMs = 0;
  readonly #carry: (octets: Buffer, taken: () => void) => void;

  constructor(carry: (octets: Buffer, taken: () => void) => void) {
    super({ allowHalfOpen: false });
    this.#carry = carry;
    // Whoever reads or writes learns of it there.
    this.on('error', () => undefined);
  }

  arrive(octets: Buffer | null): void {
    if (this.destroyed || this.readableEnded) return;
    this.#heard();
    this.push(octets);
  }

  /** As that of a socket: `timeout` is emitted after so long without an octet in either direction. */
  setTimeout(milliseconds: number): this {
    this.#silenceMs = milliseconds;
    this.#heard();
    return this;
  }

  override _read(): void {
    // What arrives is pushed.
  }

  override _write(octets: Buffer, _encoding: BufferEncoding, taken: () => void): void {
    this.#heard();
    this.#carry(octets, taken);
  }

  override _final(done: () => void): void {
    this.#tell(null);
    done();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    clearTimeout(this.#silence);
    this.#silence = undefined;
    this.#tell(error);
    done(error);
  }

  #heard(): void {
    clearTimeout(this.#silence);
    if (this.#silenceMs === 0 || this.destroyed) return;
    this.#silence = setTimeout(() => this.emit('timeout'), this.#silenceMs);
  }

  #tell(error: Error | null): void {
    if (this.#told) return;
    this.#told = true;
    this.onEnd(error);
  }
}

function reset(): Error {
  return Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' });
}
