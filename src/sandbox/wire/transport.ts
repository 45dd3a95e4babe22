import { once } from 'node:events';
import type { Duplex } from 'node:stream';
import { TLSSocket, type TlsOptions } from 'node:tls';
import { constants, createDeflateRaw, createInflateRaw, type DeflateRaw, type InflateRaw } from 'node:zlib';
import type { ByteString } from '../../byte-string.ts';

/** Octets of answers gathered before they go out; a flush sends them anyway. */
const GATHER_OCTETS = 64 * 1024;

/** Octets that may wait in the stream before the sender waits for the client. */
const MAX_WAITING_OCTETS = 1024 * 1024;

/** Answers are text and compress well even so; the sandbox shares its processor with what is measured. */
const DEFLATE_LEVEL = 1;

/**
 * Octets to and from one client: plain, deflated after COMPRESS (protocol 5), or in TLS. Reading and writing are
 * done by one task, so that a slow client is not sent more than it takes.
 */
export class Transport {
  #stream: Duplex;
  #chunks: AsyncIterator<Buffer>;
  #inflate: InflateRaw | undefined;
  #deflate: DeflateRaw | undefined;
  #inflated: Buffer[] = [];
  #pieces: Buffer[] = [];
  #gathered = 0;
  octetsReceived = 0;
  octetsSent = 0;

  constructor(stream: Duplex) {
    this.#stream = stream;
    this.#chunks = chunksOf(stream);
  }

  get compressed(): boolean {
    return this.#deflate !== undefined;
  }

  get encrypted(): boolean {
    return this.#stream instanceof TLSSocket;
  }

  /** @returns undefined at the end of the stream; a broken stream ends too */
  async read(): Promise<Buffer | undefined> {
    for (;;) {
      const chunk = await this.#next();
      if (chunk === undefined) return undefined;
      this.octetsReceived += chunk.length;
      if (this.#inflate === undefined) return chunk;
      const plain = await this.#inflateChunk(this.#inflate, chunk);
      if (plain.length > 0) return plain;
    }
  }

  write(piece: ByteString | Buffer): void {
    const octets = typeof piece === 'string' ? Buffer.from(piece, 'latin1') : piece;
    this.#pieces.push(octets);
    this.#gathered += octets.length;
  }

  /** Waits if more is under way than the client takes. Cheap to call after every piece. */
  async room(): Promise<void> {
    if (this.#gathered >= GATHER_OCTETS) await this.flush();
  }

  async flush(): Promise<void> {
    if (this.#pieces.length === 0) return;
    const [only] = this.#pieces;
    const octets = this.#pieces.length === 1 && only !== undefined ? only : Buffer.concat(this.#pieces);
    this.#pieces = [];
    this.#gathered = 0;
    const deflate = this.#deflate;
    if (deflate === undefined) {
      this.#send(octets);
    } else {
      deflate.write(octets);
      await new Promise<void>((resolve) => {
        // The callback never comes when the socket's end has destroyed the stream.
        deflate.once('close', resolve);
        deflate.flush(constants.Z_SYNC_FLUSH, () => {
          deflate.removeListener('close', resolve);
          resolve();
        });
      });
    }
    if (this.#stream.writableLength > MAX_WAITING_OCTETS && !this.#stream.destroyed) {
      await Promise.race([once(this.#stream, 'drain'), once(this.#stream, 'close')]).catch(() => undefined);
    }
  }

  /** Both directions, from the next octet on. @param ahead what was read already and is deflated */
  async startDeflate(ahead: Buffer): Promise<Buffer> {
    const inflate = createInflateRaw();
    const deflate = createDeflateRaw({ level: DEFLATE_LEVEL });
    inflate.on('data', (chunk: Buffer) => this.#inflated.push(chunk));
    deflate.on('data', (chunk: Buffer) => this.#send(chunk));
    // Damaged input is the end of this connection, as it is of the real server's.
    inflate.on('error', () => this.destroy());
    this.#inflate = inflate;
    this.#deflate = deflate;
    return ahead.length === 0 ? ahead : await this.#inflateChunk(inflate, ahead);
  }

  /** Octets that the client sent together with STARTTLS are dropped (protocol 1). */
  async startTls(options: TlsOptions): Promise<void> {
    const secured = new TLSSocket(this.#stream, { ...options, isServer: true });
    secured.on('error', () => secured.destroy());
    this.#stream = secured;
    await Promise.race([once(secured, 'secure'), once(secured, 'close')]).catch(() => undefined);
    this.#chunks = chunksOf(secured);
  }

  /** Forgets what was written since the last flush. */
  discardGathered(): void {
    this.#pieces = [];
    this.#gathered = 0;
  }

  /** Resolves when the connection is gone, by whomever. */
  async closed(): Promise<void> {
    // Only a socket that is read notices that its peer has gone.
    while ((await this.read()) !== undefined);
  }

  /** After what was flushed has left. */
  end(): void {
    this.#stream.end();
    this.#release();
  }

  destroy(): void {
    this.#stream.destroy();
    this.#release();
  }

  #release(): void {
    this.#inflate?.close();
    this.#deflate?.close();
  }

  #send(octets: Buffer): void {
    this.octetsSent += octets.length;
    if (!this.#stream.destroyed) this.#stream.write(octets);
  }

  async #next(): Promise<Buffer | undefined> {
    try {
      const next = await this.#chunks.next();
      return next.done === true ? undefined : next.value;
    } catch {
      // A reset is how clients that crash say goodbye: to a server it is an end like any other.
      return undefined;
    }
  }

  async #inflateChunk(inflate: InflateRaw, chunk: Buffer): Promise<Buffer> {
    await new Promise<void>((resolve) => {
      inflate.once('close', resolve);
      inflate.write(chunk, () => {
        inflate.removeListener('close', resolve);
        resolve();
      });
    });
    const [only, ...others] = this.#inflated;
    this.#inflated = [];
    if (only === undefined) return Buffer.alloc(0);
    return others.length === 0 ? only : Buffer.concat([only, ...others]);
  }
}

/** Chunks as they come, the stream paused in between; it outlives the iterator. */
function chunksOf(stream: Duplex): AsyncIterator<Buffer> {
  return stream.iterator({ destroyOnReturn: false })[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
}
