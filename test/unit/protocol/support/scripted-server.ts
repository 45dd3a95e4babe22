import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { createSecureContext, TLSSocket } from 'node:tls';
import { constants, createDeflateRaw, createInflateRaw, type DeflateRaw } from 'node:zlib';
import type { Certificate } from '../../../lab/certificate.ts';

export type Script = (peer: Peer) => Promise<void>;

/**
 * A server that does what a script says, over real sockets. One script per connection, in order; the last one serves all
 * further connections. A script that fails fails the test when the server is disposed of.
 */
export class ScriptedServer {
  readonly #server: Server;
  readonly #running: Promise<void>[] = [];
  readonly #sockets = new Set<Socket>();
  readonly failures: unknown[] = [];
  connections = 0;

  private constructor(scripts: readonly Script[]) {
    this.#server = createServer((socket) => {
      this.#sockets.add(socket);
      socket.on('error', () => {});
      const script = scripts[Math.min(this.connections++, scripts.length - 1)];
      if (script === undefined) throw new Error('no script');
      this.#running.push(script(new Peer(socket)).catch((error: unknown) => void this.failures.push(error)));
    });
  }

  static async start(...scripts: Script[]): Promise<ScriptedServer> {
    const scripted = new ScriptedServer(scripts);
    scripted.#server.listen(0, '127.0.0.1');
    await once(scripted.#server, 'listening');
    return scripted;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await Promise.all(this.#running);
    assert.deepEqual(this.failures, [], 'the script of the server failed');
  }
}

/** The server's end of one connection. */
export class Peer {
  readonly raw: Socket;
  #stream: Duplex;
  #deflate: DeflateRaw | undefined;
  #buffered = Buffer.alloc(0);
  #ended = false;
  #wake: (() => void) | undefined;
  /** Sizes of the chunks that came in, as the kernel gave them. */
  readonly chunks: number[] = [];

  constructor(socket: Socket) {
    this.raw = socket;
    this.#stream = socket;
    this.#read(socket);
  }

  send(text: string | Buffer): void {
    const octets = typeof text === 'string' ? Buffer.from(text, 'latin1') : text;
    (this.#deflate ?? this.#stream).write(octets);
  }

  /** The next line without its line end. Fails at the end of the stream. */
  async line(): Promise<string> {
    for (;;) {
      const at = this.#buffered.indexOf('\r\n');
      if (at >= 0) {
        const line = this.#buffered.toString('latin1', 0, at);
        this.#buffered = this.#buffered.subarray(at + 2);
        return line;
      }
      await this.#more('a line');
    }
  }

  async expect(line: string): Promise<void> {
    assert.equal(await this.line(), line);
  }

  async octets(count: number): Promise<Buffer> {
    while (this.#buffered.length < count) await this.#more(`${count} octets`);
    const octets = this.#buffered.subarray(0, count);
    this.#buffered = this.#buffered.subarray(count);
    return octets;
  }

  /** Resolves when the client has closed. */
  async closed(): Promise<void> {
    while (!this.#ended) await new Promise<void>((resolve) => (this.#wake = resolve));
  }

  end(): void {
    this.raw.end();
  }

  reset(): void {
    this.raw.resetAndDestroy();
  }

  /** Stops taking octets from the kernel until `resume`. */
  pause(): void {
    this.raw.pause();
  }

  resume(): void {
    this.raw.resume();
  }

  async startTls(certificate: Certificate): Promise<void> {
    this.raw.removeAllListeners('data');
    const secure = new TLSSocket(this.raw, {
      isServer: true,
      secureContext: createSecureContext({ cert: certificate.cert, key: certificate.key }),
    });
    secure.on('error', () => {});
    this.#stream = secure;
    this.#read(secure);
    await Promise.race([once(secure, 'secure'), once(secure, 'close')]);
  }

  /** The client's Finished of the TLS handshake; undefined without TLS. */
  get finishedOfClient(): Buffer | undefined {
    return this.#stream instanceof TLSSocket ? this.#stream.getPeerFinished() : undefined;
  }

  startDeflate(): void {
    this.raw.removeAllListeners('data');
    const inflate = createInflateRaw({ finishFlush: constants.Z_SYNC_FLUSH });
    inflate.on('error', () => this.#end());
    const early = this.#buffered;
    this.#buffered = Buffer.alloc(0);
    this.#read(inflate);
    inflate.write(early);
    this.raw.on('data', (chunk) => inflate.write(chunk));
    this.#deflate = createDeflateRaw({ flush: constants.Z_SYNC_FLUSH });
    this.#deflate.pipe(this.raw);
  }

  #read(source: Duplex | ReturnType<typeof createInflateRaw>): void {
    source.on('data', (chunk: Buffer) => {
      this.chunks.push(chunk.length);
      this.#buffered = Buffer.concat([this.#buffered, chunk]);
      this.#wake?.();
    });
    source.on('close', () => this.#end());
    source.on('end', () => this.#end());
  }

  #end(): void {
    this.#ended = true;
    this.#wake?.();
  }

  async #more(what: string): Promise<void> {
    if (this.#ended) {
      throw new Error(
        `the client closed while ${what} was awaited, ${JSON.stringify(this.#buffered.toString('latin1', 0, 200))} is there`,
      );
    }
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
  }
}

export const OK_LINE = '* OK replica Cyrus sync server 3.6.1\r\n';

/** The banner of a sync_server, a login with PLAIN. */
export async function csyncLogin(peer: Peer, capabilities = ''): Promise<void> {
  peer.send(`* SASL PLAIN\r\n${capabilities}${OK_LINE}`);
  await peer.expect(`AUTHENTICATE PLAIN ${Buffer.from('\0repluser\0repl').toString('base64')}`);
  peer.send('OK Success (no protection)\r\n');
}

/** A csync server that logs the client in and then follows the script. */
export function csync(script: Script, capabilities = ''): Script {
  return async (peer) => {
    await csyncLogin(peer, capabilities);
    await script(peer);
  };
}
