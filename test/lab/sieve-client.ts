import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { ADMIN, type CyrusServer, PASSWORD } from './cyrus-server.ts';

const ANSWER_DEADLINE = 120_000;

export interface SieveScript {
  name: string;
  active: boolean;
  content: string;
}

/** ManageSieve (RFC 5804) to timsieved, as `userid` by proxy of the administrator. One command at a time. */
export class SieveClient implements AsyncDisposable {
  readonly #socket: Socket;
  #received = Buffer.alloc(0);
  #wake: () => void = () => undefined;
  #broken: Error | undefined;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setTimeout(ANSWER_DEADLINE, () => {
      socket.destroy(new Error(`no answer from timsieved for ${ANSWER_DEADLINE} ms`));
    });
    socket.on('data', (chunk: Buffer) => {
      this.#received = Buffer.concat([this.#received, chunk]);
      this.#wake();
    });
    const fail = (error: Error) => {
      this.#broken ??= error;
      this.#wake();
    };
    socket.on('error', fail);
    socket.on('close', () => fail(new Error('timsieved closed the connection')));
  }

  static async login(server: CyrusServer, userid: string): Promise<SieveClient> {
    const client = new SieveClient(connect(server.sievePort, '127.0.0.1'));
    await client.#answer('greeting');
    const secret = Buffer.from(`${userid}\0${ADMIN}\0${PASSWORD}`).toString('base64');
    await client.#command(`AUTHENTICATE "PLAIN" "${secret}"`);
    return client;
  }

  async put(name: string, content: string): Promise<void> {
    await this.#command(`PUTSCRIPT ${literal(name)} ${literal(content)}`);
  }

  /** Makes `name` the active script; the empty name deactivates all. */
  async activate(name: string): Promise<void> {
    await this.#command(`SETACTIVE ${literal(name)}`);
  }

  async delete(name: string): Promise<void> {
    await this.#command(`DELETESCRIPT ${literal(name)}`);
  }

  /** All scripts, sorted by name. */
  /** @param wanted by name; of others the content is not asked for */
  async scripts(wanted: (name: string) => boolean = () => true): Promise<SieveScript[]> {
    const listed = await this.#command('LISTSCRIPTS');
    const scripts: SieveScript[] = [];
    for (const line of listed.split('\r\n')) {
      const match = /^"((?:[^"\\]|\\.)*)"( ACTIVE)?$/.exec(line);
      if (match === null) continue;
      const name = (match[1] ?? '').replace(/\\(.)/g, '$1');
      if (!wanted(name)) continue;
      const answer = await this.#command(`GETSCRIPT ${literal(name)}`);
      scripts.push({ name, active: match[2] !== undefined, content: answer.replace(/^\{\d+\+?\}\r\n/, '') });
    }
    return scripts.sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#broken !== undefined) return;
    const closed = once(this.#socket, 'close');
    this.#socket.end('LOGOUT\r\n');
    await closed;
  }

  async #command(text: string): Promise<string> {
    this.#socket.write(`${text}\r\n`);
    return await this.#answer(text);
  }

  /** Everything before the OK line; throws for NO and BYE. */
  async #answer(command: string): Promise<string> {
    for (;;) {
      const found = splitAnswer(this.#received);
      if (found !== undefined) {
        this.#received = this.#received.subarray(found.end);
        if (found.status !== 'OK') {
          throw new Error(`ManageSieve ${command.slice(0, 200)} was answered ${found.status} ${found.text}`);
        }
        return found.body;
      }
      if (this.#broken !== undefined)
        throw new Error(`${this.#broken.message} during ${command.slice(0, 200)}`);
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}

function literal(text: string): string {
  return `{${Buffer.byteLength(text)}+}\r\n${text}`;
}

function splitAnswer(
  buffer: Buffer,
): { status: string; text: string; body: string; end: number } | undefined {
  let start = 0;
  for (;;) {
    const newline = buffer.indexOf('\r\n', start);
    if (newline < 0) return undefined;
    const line = buffer.toString('utf8', start, newline);
    const status = /^(OK|NO|BYE)\b ?(.*)$/i.exec(line);
    const announced = /\{(\d+)\+?\}$/.exec(line);
    let end = newline + 2;
    if (announced !== null) end += Number(announced[1]);
    if (end > buffer.length) return undefined;
    if (status !== null) {
      // The text of the status line may itself be a literal, followed by the end of the line.
      if (announced !== null) {
        const rest = buffer.indexOf('\r\n', end);
        if (rest < 0) return undefined;
        const text = buffer.toString('utf8', newline + 2, end);
        return {
          status: (status[1] ?? '').toUpperCase(),
          text,
          body: buffer.toString('utf8', 0, start),
          end: rest + 2,
        };
      }
      const body = buffer.toString('utf8', 0, start).replace(/\r\n$/, '');
      return { status: (status[1] ?? '').toUpperCase(), text: status[2] ?? '', body, end };
    }
    start = end;
  }
}
