import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { type ImapValue, parseImapLine } from './imap-values.ts';

/** Milliseconds without an octet from the server while an answer is due. */
const ANSWER_DEADLINE = 120_000;

export interface ImapAnswer {
  status: 'OK' | 'NO' | 'BAD';
  /** The rest of the tagged line. */
  text: string;
  /** Each untagged answer as values, without the leading `*`: `['LIST', ['\\HasChildren'], '/', 'user/a']`. */
  untagged: ImapValue[][];
}

interface Pending {
  tag: string;
  line: string;
  untagged: ImapValue[][];
  resolve(answer: ImapAnswer): void;
  reject(error: Error): void;
}

/**
 * A small scripted IMAP client. Strings are octets (latin1: one char per octet). Commands may be sent without
 * awaiting: answers come in order.
 */
export class ImapClient implements AsyncDisposable {
  readonly #socket: Socket;
  readonly #pending: Pending[] = [];
  readonly #onGreeting: () => void;
  #rest: Buffer = Buffer.alloc(0);
  #lastTag = 0;
  #broken: Error | undefined;

  private constructor(socket: Socket, onGreeting: () => void, onFailure: (error: Error) => void) {
    this.#socket = socket;
    this.#onGreeting = onGreeting;
    const fail = (error: Error) => {
      this.#broken ??= error;
      onFailure(error);
      for (const each of this.#pending.splice(0))
        each.reject(new Error(`${error.message} during ${each.line}`));
    };
    socket.setTimeout(ANSWER_DEADLINE, () => {
      if (this.#pending.length > 0) socket.destroy(new Error(`no IMAP answer for ${ANSWER_DEADLINE} ms`));
    });
    socket.on('error', fail);
    socket.on('close', () => fail(new Error('the IMAP server closed the connection')));
    socket.on('data', (chunk: Buffer) => {
      try {
        this.#receive(chunk);
      } catch (error) {
        socket.destroy(error as Error);
      }
    });
  }

  /** A connection to loopback whose greeting has arrived. */
  static async connect(port: number): Promise<ImapClient> {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    return await new Promise<ImapClient>((resolve, reject) => {
      const client: ImapClient = new ImapClient(socket, () => resolve(client), reject);
    });
  }

  /**
   * One command. String parts are sent as they are, Buffer parts as non-synchronising literals (LITERAL+):
   * `command('APPEND "user/a" (\\Seen)', ' ', message)`.
   */
  command(...parts: readonly (string | Buffer)[]): Promise<ImapAnswer> {
    this.#lastTag += 1;
    const tag = `t${this.#lastTag}`;
    const line = parts.map((each) => (typeof each === 'string' ? each : `{${each.length}}`)).join('');
    return new Promise((resolve, reject) => {
      if (this.#broken !== undefined) {
        reject(new Error(`${this.#broken.message} before ${line.slice(0, 200)}`));
        return;
      }
      this.#pending.push({ tag, line: line.slice(0, 200), untagged: [], resolve, reject });
      this.#socket.cork();
      this.#socket.write(`${tag} `);
      for (const each of parts) {
        if (typeof each === 'string') this.#socket.write(each, 'latin1');
        else {
          this.#socket.write(`{${each.length}+}\r\n`);
          this.#socket.write(each);
        }
      }
      this.#socket.write('\r\n');
      this.#socket.uncork();
    });
  }

  /** `command` that throws unless the answer is OK; gives the untagged answers. */
  async ok(...parts: readonly (string | Buffer)[]): Promise<ImapValue[][]> {
    const answer = await this.command(...parts);
    if (answer.status !== 'OK') {
      const line = parts.map((each) => (typeof each === 'string' ? each : `{${each.length}}`)).join('');
      throw new Error(`IMAP ${line.slice(0, 300)} was answered ${answer.status} ${answer.text}`);
    }
    return answer.untagged;
  }

  /** SASL PLAIN; an administrator may name another user as `authorisationId`. Empty = the administrator himself. */
  async authenticatePlain(authorisationId: string, user: string, password: string): Promise<void> {
    const secret = Buffer.from(`${authorisationId}\0${user}\0${password}`).toString('base64');
    const answer = await this.command(`AUTHENTICATE PLAIN ${secret}`);
    if (answer.status !== 'OK') {
      throw new Error(`IMAP login of ${user} as ${authorisationId || user} was answered ${answer.text}`);
    }
  }

  /** LOGOUT, then waits for the connection to be closed. */
  async logout(): Promise<void> {
    if (this.#broken !== undefined) return;
    const closed = once(this.#socket, 'close');
    await this.command('LOGOUT');
    this.#socket.end();
    await closed;
  }

  destroy(): void {
    this.#socket.destroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.logout().finally(() => this.destroy());
  }

  #receive(chunk: Buffer): void {
    this.#rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    for (;;) {
      const end = endOfAnswer(this.#rest);
      if (end === undefined) return;
      const line = this.#rest.toString('latin1', 0, end).replace(/\r?\n$/, '');
      this.#rest = this.#rest.subarray(end);
      this.#dispatch(line);
    }
  }

  #dispatch(line: string): void {
    if (line.startsWith('* ')) {
      const pending = this.#pending[0];
      if (pending === undefined) {
        if (/^\* (OK|PREAUTH)/.test(line)) this.#onGreeting();
        else if (line.startsWith('* BYE')) this.#socket.destroy(new Error(`IMAP server said ${line}`));
        return;
      }
      // Free text follows these: it is not made of IMAP values.
      const status = /^\* (OK|NO|BAD|BYE) (.*)$/s.exec(line);
      pending.untagged.push(
        status === null ? parseImapLine(line.slice(2)) : [status[1] ?? '', status[2] ?? ''],
      );
      return;
    }
    const tagged = /^(t\d+) (OK|NO|BAD) ?(.*)$/s.exec(line);
    const pending = tagged === null ? undefined : this.#pending.shift();
    if (tagged === null || pending === undefined || pending.tag !== tagged[1]) {
      throw new Error(`unexpected line from the IMAP server: ${line.slice(0, 200)}`);
    }
    pending.resolve({
      status: tagged[2] as ImapAnswer['status'],
      text: tagged[3] ?? '',
      untagged: pending.untagged,
    });
  }
}

/** Where the first whole answer ends (literals included), or undefined while it is still incomplete. */
function endOfAnswer(buffer: Buffer): number | undefined {
  let position = 0;
  for (;;) {
    const newline = buffer.indexOf(10, position);
    if (newline < 0) return undefined;
    const tail = buffer.toString('latin1', Math.max(position, newline - 24), newline);
    const literal = /\{(\d+)\}\r?$/.exec(tail);
    if (literal === null) return newline + 1;
    position = newline + 1 + Number(literal[1]);
    if (position > buffer.length) return undefined;
  }
}
