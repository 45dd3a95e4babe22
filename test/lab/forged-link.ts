import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import type { Sandbox } from '../../src/sandbox/start-sandbox.ts';
import type { Liar } from './liar.ts';

/** A connection to a sandbox of this process whose answers go through a liar. It has what the client asks of a socket. */
export function forgedLink(sandbox: Sandbox, liar: Liar): Socket {
  const near = new End();
  const far = new End();
  const relay = liar.toClient();
  near.other = (octets) => far.arrive(octets);
  far.other = (octets) => {
    if (octets === null) near.arrive(null);
    else
      relay(octets, {
        pass: (lie) => near.arrive(Buffer.from(lie as string, 'latin1')),
        cut: () => near.destroy(),
        cutThis: () => near.destroy(),
      });
  };
  sandbox.accept(far, true);
  return near as unknown as Socket;
}

class End extends Duplex {
  other: (octets: Buffer | null) => void = () => undefined;
  bytesRead = 0;
  bytesWritten = 0;
  #silence: NodeJS.Timeout | undefined;

  constructor() {
    super({ allowHalfOpen: false });
    // Whoever reads or writes learns of it there.
    this.on('error', () => undefined);
    this.on('close', () => {
      this.setTimeout(0);
      this.other(null);
    });
  }

  arrive(octets: Buffer | null): void {
    this.#silence?.refresh();
    if (!this.destroyed && !this.readableEnded) this.push(octets);
  }

  /** Tells of silence as a socket does, but keeps the process: a lie can make a client wait for ever, and nothing else is under way. */
  setTimeout(milliseconds: number): this {
    clearTimeout(this.#silence);
    const silent = milliseconds > 0 && !this.destroyed;
    this.#silence = silent ? setTimeout(() => this.emit('timeout'), milliseconds) : undefined;
    return this;
  }

  override _read(): void {
    // What arrives is pushed.
  }

  override _write(octets: Buffer, _encoding: BufferEncoding, taken: () => void): void {
    this.#silence?.refresh();
    this.other(octets);
    setImmediate(taken);
  }

  override _final(done: () => void): void {
    this.other(null);
    done();
  }
}
