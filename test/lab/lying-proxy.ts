import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';

/** What the client is told instead of an answer, final line included. */
export type Lie = (answer: string) => string;

/** The end of an answer, a banner or a line of the login. */
const LAST_LINE = /(?:^|\n)(?:OK|NO|BAD|BYE|\+|\* OK)[^\r\n]*\r\n$/;

/** A replica that lies, or whoever sits between it and the master: each answer goes through `lie`. */
export class LyingProxy implements AsyncDisposable {
  readonly port: number;
  lie: Lie | undefined;
  /** What the client sent, for as long as the proxy lives. */
  heard = '';
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(server: Server, port: number) {
    this.#server = server;
    this.port = port;
  }

  static async start(target: number): Promise<LyingProxy> {
    const server = createServer({ noDelay: true });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('no TCP port');
    const proxy = new LyingProxy(server, address.port);
    server.on('connection', (client: Socket) => proxy.#accept(client, target));
    return proxy;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #accept(client: Socket, target: number): void {
    const server = connect({ port: target, host: '127.0.0.1', noDelay: true });
    client.on('data', (chunk: Buffer) => {
      this.heard += chunk.toString('latin1');
      server.write(chunk);
    });
    let held = '';
    server.on('data', (chunk: Buffer) => {
      held += chunk.toString('latin1');
      if (!LAST_LINE.test(held)) return;
      client.write(this.lie?.(held) ?? held, 'latin1');
      held = '';
    });
    for (const [one, other] of [
      [client, server],
      [server, client],
    ] as const) {
      this.#sockets.add(one);
      one.on('error', () => undefined);
      one.on('close', () => {
        this.#sockets.delete(one);
        other.destroy();
      });
    }
  }
}
