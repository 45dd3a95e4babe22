/**
 * The door of `protocol/wire`. Here are octets: one stream in each direction, TLS and deflate put in between when asked, cut
 * into lines and values on the way in. It knows of no command. Small writes of one turn leave together, order is kept always,
 * and no line or value that a peer sends takes more memory than its bound.
 */

import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { constants, createDeflateRaw, createInflateRaw, type DeflateRaw, type InflateRaw } from 'node:zlib';
import { SyncError } from '../../report/sync-error.ts';
import { CORK_OCTETS } from '../limits.ts';
import { linkError, linkLost } from '../link-errors.ts';
import { PacedOutput } from './paced-output.ts';
import { Stopwatch } from './stopwatch.ts';
import type { TokenBucket } from './token-bucket.ts';

/** Who reads the octets: first the handshake's line reader, then the response reader. */
export interface Consumer {
  /** Decompressed, decrypted octets. May throw: the link then breaks with what was thrown. */
  octets(chunk: Buffer): void;
  /** Once. The peer is gone, or this end gave up, for `reason`; undefined: the peer closed in good order. */
  closed(reason: SyncError | undefined): void;
}

/** Buffers up to this size are copied into the gathered write: cheaper than a system call of their own. */
const GATHERED_BUFFER_OCTETS = 16 * 1024;

/**
 * One byte stream in each direction over a socket, TLS and raw DEFLATE put in between when asked.
 *
 * Small writes of one turn of the event loop leave as one write. Order is that of the calls, always.
 */
export class Transport {
  /** Runs while octets that are to be sent wait for the other end. */
  readonly waiting = new Stopwatch();
  /** The outermost: the TLS one if there is TLS. */
  #socket: Socket;
  /** Output is written to this: the socket, or the outermost of what is in front of it. */
  #sink: Socket | DeflateRaw | PacedOutput;
  /** In front of the socket, behind the deflater. */
  #paced: PacedOutput | undefined;
  #codecs: (DeflateRaw | InflateRaw)[] = [];
  #deflate: DeflateRaw | undefined;
  #consumer: Consumer | undefined;
  #closed = false;
  #closeReason: SyncError | undefined;
  #detach: () => void = () => {};

  #gathered = Buffer.allocUnsafe(CORK_OCTETS);
  #gatheredOctets = 0;
  #flushScheduled = false;
  #wantsDrain = false;
  #drainWaiters: (() => void)[] = [];

  constructor(socket: Socket) {
    this.#socket = socket;
    this.#sink = socket;
    this.#attach(socket);
  }

  /** Octets on the network, compressed as they are; what TLS adds is not counted. */
  get sentOctets(): number {
    return this.#socket.bytesWritten;
  }

  get receivedOctets(): number {
    return this.#socket.bytesRead;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** True when the kernel takes no more for now: `drained()` before writing much. */
  get full(): boolean {
    return this.#wantsDrain && !this.#closed;
  }

  setConsumer(consumer: Consumer): void {
    this.#consumer = consumer;
    if (this.#closed) consumer.closed(this.#closeReason);
  }

  write(piece: string | Buffer): void {
    if (this.#closed) return;
    const octets = piece.length;
    if (this.#gatheredOctets + octets > CORK_OCTETS) this.#flush();
    if (octets > GATHERED_BUFFER_OCTETS) {
      this.#flush();
      this.#push(typeof piece === 'string' ? Buffer.from(piece, 'latin1') : piece);
      return;
    }
    if (typeof piece === 'string') this.#gathered.write(piece, this.#gatheredOctets, octets, 'latin1');
    else piece.copy(this.#gathered, this.#gatheredOctets);
    this.#gatheredOctets += octets;
    if (!this.#flushScheduled) {
      this.#flushScheduled = true;
      process.nextTick(() => this.#flush());
    }
  }

  /** Resolves when the kernel takes more, or when the link is gone. */
  async drained(): Promise<void> {
    while (this.full) {
      await new Promise<void>((resolve) => this.#drainWaiters.push(resolve));
    }
  }

  /**
   * The socket without our listeners, for TLS to be put on top. What was read but not consumed is the caller's problem.
   */
  detachSocket(): Socket {
    this.#flush();
    this.#detach();
    return this.#socket;
  }

  /** The client's Finished of the TLS handshake, whichever version it is of; undefined without TLS (RFC 5929 section 3). */
  get tlsUnique(): Buffer | undefined {
    const socket = this.#socket;
    if (!isSecure(socket)) return undefined;
    return socket.isSessionReused() ? socket.getPeerFinished() : socket.getFinished();
  }

  replaceSocket(socket: Socket): void {
    this.#socket = socket;
    this.#sink = socket;
    this.#attach(socket);
  }

  /**
   * From the next octet on both directions are raw DEFLATE, one continuous stream each (protocol 5).
   * @param early octets that came behind the answer to COMPRESS: compressed already
   */
  startCompression(level: number, early: Buffer): void {
    this.#flush();
    this.#detach();
    const socket = this.#socket;
    const deflate = createDeflateRaw({ level, flush: constants.Z_SYNC_FLUSH });
    const inflate = createInflateRaw({ finishFlush: constants.Z_SYNC_FLUSH });
    deflate.pipe(this.#paced ?? socket);
    if (early.length > 0) inflate.write(early);
    socket.pipe(inflate);
    this.#sink = deflate;
    this.#codecs = [deflate, inflate];
    this.#deflate = deflate;
    this.#watch(inflate, socket);
    inflate.on('error', (error) => {
      this.destroy(linkLost(error, 'the compressed stream from the replica is damaged'));
    });
    deflate.on('error', (error) => this.destroy(linkLost(error, 'compressing failed')));
    deflate.on('drain', () => this.#drained());
  }

  /** From here on no octet goes out that the bucket does not allow. TLS is in place, and nothing waits to be written. */
  pace(bucket: TokenBucket): void {
    this.#flush();
    const socket = this.#socket;
    const paced = new PacedOutput(socket, bucket);
    this.#paced = paced;
    paced.on('drain', () => {
      if (this.#sink === paced) this.#drained();
    });
    if (this.#deflate) this.#deflate.unpipe(socket).pipe(paced);
    else this.#sink = paced;
  }

  /** `onSilence` is called after this many milliseconds without an octet in either direction, again and again. */
  watchSilence(milliseconds: number, onSilence: () => void): void {
    const socket = this.#socket;
    socket.setTimeout(milliseconds);
    socket.on('timeout', () => {
      // It is ours while we let nothing out.
      if (!this.#paced?.isHeld) onSilence();
      // Node arms the timer once: without this, a silence while idle would be the last one ever noticed.
      if (!this.#closed) socket.setTimeout(milliseconds);
    });
  }

  /** Everything written so far leaves, then the connection is closed. */
  end(): void {
    if (this.#closed) return;
    this.#flush();
    const socket = this.#socket;
    this.#tellClosed(undefined);
    // A peer that does not close its end must not keep this process.
    socket.once('finish', () => this.#dispose());
    this.#sink.end();
  }

  destroy(reason: SyncError): void {
    this.#close(reason);
  }

  #attach(socket: Socket): void {
    this.#watch(socket, socket);
    const drained = (): void => {
      if (this.#sink === socket) this.#drained();
    };
    socket.on('drain', drained);
    const detachReader = this.#detach;
    this.#detach = () => {
      detachReader();
      socket.off('drain', drained);
    };
  }

  /** @param source where plain octets come from @param socket what tells of errors and of the end */
  #watch(source: Socket | InflateRaw, socket: Socket): void {
    const onData = (chunk: Buffer): void => {
      if (this.#closed) return;
      try {
        this.#consumer?.octets(chunk);
      } catch (error) {
        this.destroy(SyncError.from(error, { family: 'link' }));
      }
    };
    const onEnd = (): void => this.#close(undefined);
    const onError = (error: Error): void => {
      this.#close(linkLost(error, 'the connection to the replica broke'));
    };
    // A reset comes as an error first; a bare close is the end of a stream whose end nobody read.
    const onClose = (): void => this.#close(undefined);
    source.on('data', onData);
    source.on('end', onEnd);
    socket.on('error', onError);
    socket.on('close', onClose);
    this.#detach = () => {
      source.off('data', onData);
      source.off('end', onEnd);
      socket.off('error', onError);
      socket.off('close', onClose);
    };
  }

  #flush(): void {
    this.#flushScheduled = false;
    const octets = this.#gatheredOctets;
    if (octets === 0) return;
    this.#gatheredOctets = 0;
    if (octets > CORK_OCTETS / 2) {
      const full = this.#gathered;
      this.#gathered = Buffer.allocUnsafe(CORK_OCTETS);
      this.#push(full.subarray(0, octets));
    } else {
      // The gathering buffer is used again before the kernel has taken this.
      this.#push(Buffer.from(this.#gathered.subarray(0, octets)));
    }
  }

  #push(octets: Buffer): void {
    if (this.#closed || this.#sink.destroyed) return;
    const sink = this.#sink;
    // More than the high water mark counts as full even when the kernel has taken all of it at once.
    if (sink.write(octets) || sink.writableLength === 0 || this.#wantsDrain) return;
    this.#wantsDrain = true;
    this.waiting.begin();
  }

  #drained(): void {
    if (this.#wantsDrain) this.waiting.end();
    this.#wantsDrain = false;
    const waiters = this.#drainWaiters;
    this.#drainWaiters = [];
    for (const wake of waiters) wake();
  }

  #close(reason: SyncError | undefined): void {
    this.#tellClosed(reason);
    this.#dispose();
  }

  #tellClosed(reason: SyncError | undefined): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#closeReason = reason;
    this.#drained();
    this.#consumer?.closed(reason);
  }

  /** Compressors hold memory of their own until they are destroyed. */
  #dispose(): void {
    for (const codec of this.#codecs) codec.destroy();
    this.#paced?.destroy();
    this.#socket.destroy();
  }
}

export function silenceError(milliseconds: number, command: string): SyncError {
  return linkError(
    'LINK_TIMEOUT',
    `no octet from the replica for ${milliseconds / 1000} s: command=<${command}>`,
    {
      hint: 'The replica hangs or a firewall dropped the connection; sync_timeout sets how long to wait',
    },
  );
}

/** Without the class itself, which a connection in clear would be loading TLS for. */
function isSecure(socket: Socket): socket is TLSSocket {
  return 'encrypted' in socket && socket.encrypted === true;
}
