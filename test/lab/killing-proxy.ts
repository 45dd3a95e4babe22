import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';

/** A command of the replication protocol begins a line with one of these words; message bodies are kept free of them. */
const COMMAND = /^(?:AUTHENTICATE|APPLY|GET|RESTART|NOOP|EXIT)\b/;

/** Counts the command lines of several links as one sequence. */
export class CommandCounter {
  #commands: string[] = [];
  #at: { count: number; what: () => void } | undefined;
  #cut = false;

  /** Begins anew. At the command of that number, `what` is called, and from it on nothing passes any link any more. */
  arm(count: number, what: () => void): void {
    this.#commands = [];
    this.#cut = false;
    this.#at = { count, what };
  }

  disarm(): void {
    this.#commands = [];
    this.#cut = false;
    this.#at = undefined;
  }

  /** Whether a line from the client may pass. */
  pass(line: string): boolean {
    if (this.#cut || !COMMAND.test(line)) return !this.#cut;
    this.#commands.push(line.slice(0, 60).trim());
    if (this.#at?.count !== this.#commands.length) return true;
    this.#cut = true;
    this.#at.what();
    return false;
  }

  get cut(): boolean {
    return this.#cut;
  }

  get commands(): readonly string[] {
    return this.#commands;
  }
}

/** Stands between a client and a server, and passes whole lines on for as long as the counter lets them. */
export class KillingProxy implements AsyncDisposable {
  readonly port: number;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #counter: CommandCounter;

  private constructor(server: Server, port: number, counter: CommandCounter) {
    this.#counter = counter;
    this.#server = server;
    this.port = port;
  }

  static async start(target: number, counter: CommandCounter): Promise<KillingProxy> {
    const server = createServer({ noDelay: true });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('no TCP port');
    const proxy = new KillingProxy(server, address.port, counter);
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
    let open = '';
    client.on('data', (chunk: Buffer) => {
      open += chunk.toString('latin1');
      for (let end = open.indexOf('\n'); end >= 0; end = open.indexOf('\n')) {
        const line = open.slice(0, end + 1);
        open = open.slice(end + 1);
        if (this.#counter.pass(line)) server.write(line, 'latin1');
      }
    });
    server.on('data', (chunk: Buffer) => {
      if (!this.#counter.cut) client.write(chunk);
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
