import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

export interface Passage {
  /** @param octets of a string, each char is one */
  pass(octets: Buffer | string): void;
  /** Ends every connection of the proxy, whatever is under way. */
  cut(): void;
  /** Ends this one alone. */
  cutThis(): void;
}

/** Hands on what comes in one direction of one connection: as it is, changed, later, or not at all. */
export type Relay = (chunk: Buffer, passage: Passage) => void;

/** Decides what becomes of the octets; a direction that is left out passes as it is. Each connection gets relays of its own. */
export interface ProxyPolicy {
  toServer?(): Relay;
  toClient?(): Relay;
}

export const asItIs: Relay = (chunk, { pass }) => pass(chunk);

/** Stands between clients and a server, in this process, and does what its policy says. */
export class ScriptedProxy implements AsyncDisposable {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  /** All that were ever made. */
  connections = 0;
  cuts = 0;

  private constructor(target: number, policy: ProxyPolicy) {
    this.#server = createServer({ noDelay: true }, (client) => this.#join(client, target, policy));
  }

  static async start(target: number, policy: ProxyPolicy = {}): Promise<ScriptedProxy> {
    const proxy = new ScriptedProxy(target, policy);
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Connections that are up. */
  get open(): number {
    return this.#sockets.size / 2;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #join(client: Socket, target: number, policy: ProxyPolicy): void {
    const server = connect({ port: target, host: '127.0.0.1', noDelay: true });
    this.connections += 1;
    this.#relay(client, server, policy.toServer?.() ?? asItIs);
    this.#relay(server, client, policy.toClient?.() ?? asItIs);
  }

  #relay(from: Socket, to: Socket, relay: Relay): void {
    this.#sockets.add(from);
    const passage: Passage = {
      pass: (octets) => {
        if (to.writable) to.write(octets, 'latin1');
      },
      cut: () => this.#cut(),
      cutThis: () => {
        this.cuts += 1;
        from.destroy();
      },
    };
    from.on('data', (chunk: Buffer) => relay(chunk, passage));
    from.on('error', () => undefined);
    from.on('close', () => {
      this.#sockets.delete(from);
      to.destroySoon();
    });
  }

  #cut(): void {
    this.cuts += 1;
    for (const socket of this.#sockets) socket.destroy();
  }
}
