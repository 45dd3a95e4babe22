import type { Writable } from 'node:stream';
import type { ByteString } from '../../byte-string.ts';
import { printable, printableBytes, printableLines } from '../printable.ts';

/** `process` has them, and makes each when it is asked for it, for which a run that says nothing takes no time. */
export interface OutputStreams {
  readonly stdout: Writable;
  readonly stderr: Writable & { isTTY?: boolean; columns?: number };
}

/**
 * The only writer to stdout and stderr; whatever it writes is printable. A reader that goes away (`| head`) ends the output, not the replication.
 */
export class Streams {
  readonly #stdout: Output;
  readonly #stderr: Output;
  readonly #lead: string;
  /** Lines of the current turn, written together at its end: a run prints a line per mailbox. */
  #lines: ByteString[] = [];
  /** Takes away what a progress display has left on the line. */
  clearLine: () => void = () => {};

  /** @param lead stands before each line, but not before a document or a piece of the protocol */
  constructor(streams: OutputStreams, lead = '') {
    this.#stdout = new Output(() => streams.stdout);
    this.#stderr = new Output(() => streams.stderr);
    this.#lead = lead;
  }

  line(line: ByteString): void {
    if (this.#lines.push(line) === 1) queueMicrotask(() => this.flush());
  }

  flush(): void {
    const lines = this.#lines;
    this.#lines = [];
    if (!this.#stdout.isOpen || lines.length === 0) return;
    this.clearLine();
    this.#stdout.write(`${lines.map((line) => this.#lead + printableBytes(line)).join('\n')}\n`);
  }

  errorLine(line: ByteString): void {
    this.#error(`${this.#lead}${printableBytes(line)}\n`);
  }

  /** One line that is text rather than octets. */
  errorText(line: string): void {
    this.#error(`${this.#lead}${printable(line)}\n`);
  }

  /** One JSON document on a line, for programs. */
  errorDocument(line: string): void {
    this.#error(`${printable(line)}\n`);
  }

  /** A piece of the protocol, its line ends as they are. */
  trace(octets: Uint8Array): void {
    this.#error(printableLines(Buffer.from(octets).toString('latin1')));
  }

  #error(text: string): void {
    // What was said before on stdout comes before on a terminal too.
    this.flush();
    if (!this.#stderr.isOpen || text === '') return;
    this.clearLine();
    this.#stderr.write(text);
  }

  /** Resolves when everything written has been handed to the system. */
  async drained(): Promise<void> {
    this.flush();
    await Promise.all([this.#stdout.written(), this.#stderr.written()]);
  }
}

/** A stream that is asked for when there is something to write. */
class Output {
  readonly #ask: () => Writable;
  #stream: Writable | undefined;
  /** Its reader is there, as far as is known. */
  isOpen = true;

  constructor(ask: () => Writable) {
    this.#ask = ask;
  }

  write(text: string): void {
    if (this.#stream === undefined) {
      this.#stream = this.#ask();
      this.#stream.on('error', () => {
        this.isOpen = false;
      });
    }
    this.#stream.write(text);
  }

  /** Resolves when everything written has been handed to the system. */
  async written(): Promise<void> {
    const stream = this.#stream;
    if (stream === undefined || !this.isOpen) return;
    // An error is told by the stream's 'error' event; here only the end of waiting matters.
    await new Promise<void>((resolve) => {
      stream.write('', () => resolve());
    });
  }
}
