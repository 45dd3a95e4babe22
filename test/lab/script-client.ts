import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { constants, createDeflateRaw, createInflateRaw, type DeflateRaw } from 'node:zlib';
import type { ListenAddress } from '../../src/sandbox/options.ts';

/** One answer: untagged lines (latin1, literals and files inside), and the final line. */
export interface Answer {
  untagged: string[];
  final: string;
}

/**
 * A client that says what the test tells it to, octet for octet, and reads answers without knowing what they mean. It
 * shares no code with the project, so that it cannot share its mistakes.
 */
export class ScriptClient implements AsyncDisposable {
  readonly #socket: Socket;
  #text = '';
  #ended = false;
  #wake: () => void = () => undefined;
  #deflate: DeflateRaw | undefined;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', this.#onPlain);
    socket.on('error', () => undefined);
    socket.on('close', () => {
      this.#ended = true;
      this.#wake();
    });
  }

  static async connect(address: ListenAddress): Promise<ScriptClient> {
    const socket = 'path' in address ? connect(address.path) : connect(address.port, address.host);
    await once(socket, 'connect');
    return new ScriptClient(socket);
  }

  /** Connected, banner read, logged in. */
  static async login(address: ListenAddress, user: string, password: string): Promise<ScriptClient> {
    const client = await ScriptClient.connect(address);
    await client.answer();
    const secret = Buffer.from(`\0${user}\0${password}`).toString('base64');
    const { final } = await client.say(`AUTHENTICATE PLAIN ${secret}`);
    if (!final.startsWith('OK ')) throw new Error(`login refused: ${final}`);
    return client;
  }

  write(octets: string | Buffer): void {
    const buffer = typeof octets === 'string' ? Buffer.from(octets, 'latin1') : octets;
    if (this.#deflate === undefined) {
      this.#socket.write(buffer);
    } else {
      this.#deflate.write(buffer);
      this.#deflate.flush(constants.Z_SYNC_FLUSH);
    }
  }

  /** Sends one command and reads its answer. */
  async say(...parts: (string | Buffer)[]): Promise<Answer> {
    for (const part of parts) this.write(part);
    this.write('\r\n');
    return await this.answer();
  }

  /** The next answer; a banner counts as one, its `* OK` as the final line. Throws at the end of the stream. */
  async answer(): Promise<Answer> {
    const untagged: string[] = [];
    for (;;) {
      const line = await this.line();
      if (line === undefined) throw new Error(`the connection ended after ${JSON.stringify(untagged)}`);
      if (!line.startsWith('* ') || line.startsWith('* OK')) return { untagged, final: line };
      untagged.push(line.slice(2));
    }
  }

  /** The next line with its literals and files; undefined at the end of the stream. */
  async line(): Promise<string | undefined> {
    let from = 0;
    for (;;) {
      const end = await this.#find('\r\n', from);
      if (end < 0) return undefined;
      const size = /\{(?:[^{} ]+ [0-9a-f]{40} )?(\d+)\+?\}$/.exec(this.#text.slice(from, end))?.[1];
      if (size === undefined) {
        const line = this.#text.slice(0, end);
        this.#text = this.#text.slice(end + 2);
        return line;
      }
      from = end + 2 + Number(size);
    }
  }

  /** Resolves when the server has closed the connection. */
  async closed(): Promise<void> {
    while (!this.#ended) await this.#more();
  }

  get isOpen(): boolean {
    return !this.#ended;
  }

  async compress(): Promise<void> {
    const { final } = await this.say('COMPRESS DEFLATE');
    if (final !== 'OK DEFLATE active') throw new Error(final);
    const inflate = createInflateRaw();
    inflate.on('data', this.#onPlain);
    const deflate = createDeflateRaw();
    deflate.on('data', (chunk: Buffer) => this.#socket.write(chunk));
    this.#socket.off('data', this.#onPlain);
    this.#socket.on('data', (chunk: Buffer) => inflate.write(chunk));
    this.#deflate = deflate;
  }

  /** Reads nothing more until resume(). */
  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#socket.destroy();
    await this.closed();
  }

  readonly #onPlain = (chunk: Buffer) => {
    this.#text += chunk.toString('latin1');
    this.#wake();
  };

  async #find(what: string, from: number): Promise<number> {
    for (;;) {
      const at = this.#text.indexOf(what, from);
      if (at >= 0) return at;
      if (this.#ended) return -1;
      await this.#more();
    }
  }

  async #more(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
  }
}
