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
      });
  };
  sandbox.accept(far, true);
  return near as unknown as Socket;
}

class End extends Duplex {
  other: (octets: Buffer | null) => void = () => undefined;
  bytesRead = 0;
  bytesWritten = 0;

  constructor() {
    super({ allowHalfOpen: false });
    // Whoever reads or writes learns of it there.
    this.on('error', () => undefined);
    this.on('close', () => this.other(null));
  }

  arrive(octets: Buffer | null): void {
    if (!this.destroyed && !this.readableEnded) this.push(octets);
  }

  /** There is no silence in it: what is written has arrived. */
  setTimeout(): this {
    return this;
  }

  override _read(): void {
    // What arrives is pushed.
  }

  override _write(octets: Buffer, _encoding: BufferEncoding, taken: () => void): void {
    this.other(octets);
    setImmediate(taken);
  }

  override _final(done: () => void): void {
    this.other(null);
    done();
  }
}
