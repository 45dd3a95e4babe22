import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

/** Passes connections on and counts what the client sends, at the socket. */
export class CountingProxy implements AsyncDisposable {
  readonly #server = createServer();
  readonly #sockets = new Set<Socket>();
  octets = 0;
  open = 0;
  mostOpen = 0;
  onOctets: (octets: number) => void = () => {};

  static async start(targetPort: number): Promise<CountingProxy> {
    const proxy = new CountingProxy(targetPort);
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    return proxy;
  }

  private constructor(targetPort: number) {
    this.#server.on('connection', (near: Socket) => {
      const far = connect(targetPort, '127.0.0.1');
      this.open += 1;
      this.mostOpen = Math.max(this.mostOpen, this.open);
      near.on('close', () => {
        this.open -= 1;
      });
      for (const [socket, other] of [
        [near, far],
        [far, near],
      ] as const) {
        this.#sockets.add(socket);
        socket.setNoDelay(true);
        socket.on('error', () => other.destroy());
        socket.on('close', () => other.destroy());
        socket.pipe(other);
      }
      near.on('data', (chunk: Buffer) => {
        this.octets += chunk.length;
        this.onOctets(this.octets);
      });
    });
  }

  get port(): number {
    const address = this.#server.address();
    if (address === null || typeof address === 'string') throw new Error('not listening');
    return address.port;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }
}
