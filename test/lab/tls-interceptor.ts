import { connect as connectPlain, createServer, type Server, type Socket } from 'node:net';
import { connect as connectTls, createSecureContext, TLSSocket } from 'node:tls';
import type { Certificate } from './certificate.ts';

/**
 * Somebody between a client and an imapd: takes part in STARTTLS on both sides, with a certificate of its own towards the client,
 * and passes on everything else, but for what it changes in the server's words.
 */
export class TlsInterceptor {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  /** All that the client said inside TLS. */
  heard = '';

  /** @param change applied to what the server says inside TLS */
  constructor(port: number, certificate: Certificate, change: (said: string) => string = (said) => said) {
    this.#server = createServer((client) => {
      this.#intercept(client, connectPlain(port, '127.0.0.1'), certificate, change);
    });
  }

  /** @returns the port to connect to */
  async listen(): Promise<number> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    const address = this.#server.address();
    if (address === null || typeof address === 'string') throw new Error('no port');
    return address.port;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #intercept(
    client: Socket,
    server: Socket,
    { cert, key }: Certificate,
    change: (said: string) => string,
  ): void {
    this.#keep(client, server);
    const toClient = (chunk: Buffer): void => {
      if (!/^S01 OK/.test(chunk.toString('latin1'))) {
        client.write(chunk);
        return;
      }
      server.off('data', toClient);
      client.off('data', toServer);
      client.write(chunk);
      const outer = new TLSSocket(client, {
        isServer: true,
        secureContext: createSecureContext({ cert, key }),
      });
      const inner = connectTls({ socket: server, rejectUnauthorized: false });
      this.#keep(outer, inner);
      outer.on('data', (said: Buffer) => {
        this.heard += said.toString('latin1');
        inner.write(said);
      });
      inner.on('data', (said: Buffer) => outer.write(Buffer.from(change(said.toString('latin1')), 'latin1')));
    };
    const toServer = (chunk: Buffer): void => {
      server.write(chunk);
    };
    server.on('data', toClient);
    client.on('data', toServer);
  }

  #keep(...pair: Socket[]): void {
    for (const socket of pair) {
      this.#sockets.add(socket);
      // One end that is gone takes the other with it; why is no business of this one.
      socket.on('error', () => {});
      socket.on('close', () => {
        for (const other of pair) other.destroy();
      });
    }
  }
}
