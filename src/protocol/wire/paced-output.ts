import type { Socket } from 'node:net';
import { Writable } from 'node:stream';
import type { TokenBucket } from './token-bucket.ts';

/**
 * Stands in front of a socket and lets out what the bucket allows. It holds what it was given until the socket has room for more,
 * as a socket does, so that whoever writes waits by the same signs.
 */
export class PacedOutput extends Writable {
  readonly #socket: Socket;
  readonly #bucket: TokenBucket;
  #timer: NodeJS.Timeout | undefined;

  constructor(socket: Socket, bucket: TokenBucket) {
    super({ highWaterMark: socket.writableHighWaterMark, decodeStrings: false });
    this.#socket = socket;
    this.#bucket = bucket;
  }

  /** Octets wait for their time rather than for the peer. */
  get isHeld(): boolean {
    return this.#timer !== undefined;
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error) => void): void {
    this.#send(chunk, done);
  }

  override _final(done: (error?: Error) => void): void {
    this.#socket.end();
    done();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    done(error);
  }

  #send(chunk: Buffer, done: () => void): void {
    this.#timer = undefined;
    let rest = chunk;
    while (rest.length > 0) {
      const piece = rest.subarray(0, this.#bucket.pieceOctets);
      const waitMs = this.#bucket.take(piece.length);
      if (waitMs > 0) {
        const left = rest;
        this.#timer = setTimeout(() => this.#send(left, done), waitMs);
        return;
      }
      rest = rest.subarray(piece.length);
      // A socket that is gone tells so itself, and whoever holds this is closed by it.
      if (this.#socket.destroyed) break;
      if (!this.#socket.write(piece) && this.#socket.writableLength > 0) {
        const left = rest;
        this.#socket.once('drain', () => this.#send(left, done));
        return;
      }
    }
    done();
  }
}
