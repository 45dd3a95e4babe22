import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/** A TCP proxy in front of a replica: a long line, or one that breaks where a test wants it to. */
export class Wire implements AsyncDisposable {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #delay: number;
  /** Octets towards the replica until every connection is cut; undefined = never. */
  #cutAfter: number | undefined;
  #closed = false;
  cuts = 0;
  connections = 0;

  private constructor(target: number, delay: number) {
    this.#delay = delay;
    this.#server = createServer((client) => this.#join(client, target));
  }

  /** @param delay milliseconds that every chunk takes, each way */
  static async to(target: number, delay = 0): Promise<Wire> {
    const wire = new Wire(target, delay);
    wire.#server.listen(0, '127.0.0.1');
    await once(wire.#server, 'listening');
    return wire;
  }

  /** Connections that are up. */
  get open(): number {
    return this.#sockets.size / 2;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Cuts all connections as soon as `octets` more have gone towards the replica: mostly within a command. */
  cutAfter(octets: number): void {
    this.#cutAfter = octets;
  }

  cutNow(): void {
    this.#cutAfter = undefined;
    this.cuts++;
    for (const socket of this.#sockets) socket.destroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #join(client: Socket, target: number): void {
    const replica = connect(target, '127.0.0.1');
    this.connections++;
    this.#relay(client, replica, (chunk) => this.#untilCut(chunk));
    this.#relay(replica, client, (chunk) => chunk);
  }

  #relay(from: Socket, to: Socket, pass: (chunk: Buffer) => Buffer): void {
    this.#sockets.add(from);
    from.setNoDelay(true);
    const later = (act: () => void): void => {
      if (this.#delay === 0) act();
      else setTimeout(act, this.#delay).unref();
    };
    from.on('data', (chunk: Buffer) => {
      const passed = pass(chunk);
      later(() => {
        if (to.writable) to.write(passed);
      });
      if (this.#cutAfter === 0) this.cutNow();
    });
    from.on('end', () => later(() => to.end()));
    from.on('error', () => to.destroy());
    from.on('close', () => {
      this.#sockets.delete(from);
      if (this.#closed || from.destroyed) later(() => to.destroy());
    });
  }

  #untilCut(chunk: Buffer): Buffer {
    if (this.#cutAfter === undefined) return chunk;
    const passed = chunk.subarray(0, this.#cutAfter);
    this.#cutAfter = Math.max(0, this.#cutAfter - chunk.length);
    return passed;
  }
}
