import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';

/** A command of the replication protocol begins a line with one of these words; message bodies are kept free of them. */
const COMMAND = /^(?:APPLY|GET|RESTART|NOOP)\b/;

/** Between a client and its replica: falls silent at a command, as a dead link does, until it is told to go on. */
export class SilentProxy implements AsyncDisposable {
  readonly port: number;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #commands: string[] = [];
  #silentAt = 0;
  #held: (() => void)[] = [];
  #onSilence: () => void = () => undefined;

  private constructor(server: Server, port: number) {
    this.#server = server;
    this.port = port;
  }

  static async start(target: number): Promise<SilentProxy> {
    const server = createServer({ noDelay: true });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('no TCP port');
    const proxy = new SilentProxy(server, address.port);
    server.on('connection', (client: Socket) => proxy.#accept(client, target));
    return proxy;
  }

  /** Command lines since `silentAt`. */
  get commands(): readonly string[] {
    return this.#commands;
  }

  /**
   * Begins to count anew. Resolves when the command of that number was about to pass: from there on nothing passes.
   *
   * @param count 0: never
   */
  silentAt(count: number): Promise<void> {
    this.#commands = [];
    this.#silentAt = count;
    return new Promise((resolve) => {
      this.#onSilence = resolve;
    });
  }

  goOn(): void {
    this.#silentAt = 0;
    for (const pass of this.#held.splice(0)) pass();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }

  get #silent(): boolean {
    return this.#silentAt > 0 && this.#commands.length >= this.#silentAt;
  }

  #accept(client: Socket, target: number): void {
    const server = connect({ port: target, host: '127.0.0.1', noDelay: true });
    let open = '';
    client.on('data', (chunk: Buffer) => {
      open += chunk.toString('latin1');
      for (let end = open.indexOf('\n'); end >= 0; end = open.indexOf('\n')) {
        const line = open.slice(0, end + 1);
        open = open.slice(end + 1);
        if (COMMAND.test(line)) this.#count(line);
        this.#pass(() => server.write(line, 'latin1'));
      }
    });
    server.on('data', (chunk: Buffer) => this.#pass(() => client.write(chunk)));
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

  #count(line: string): void {
    if (this.#silent) return;
    this.#commands.push(line.slice(0, 60).trim());
    if (this.#silent) this.#onSilence();
  }

  #pass(write: () => void): void {
    if (this.#silent) this.#held.push(write);
    else write();
  }
}
