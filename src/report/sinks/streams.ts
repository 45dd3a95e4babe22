import type { Writable } from 'node:stream';
import type { ByteString } from '../../byte-string.ts';
import { printable, printableBytes, printableLines } from '../printable.ts';

export interface OutputStreams {
  stdout: Writable;
  stderr: Writable & { isTTY?: boolean; columns?: number };
}

/**
 * The only writer to stdout and stderr; whatever it writes is printable. A reader that goes away (`| head`) ends the output, not the replication.
 */
export class Streams {
  readonly #streams: OutputStreams;
  readonly #lead: string;
  #stdoutOpen = true;
  #stderrOpen = true;
  /** Lines of the current turn, written together at its end: a run prints a line per mailbox. */
  #lines: ByteString[] = [];
  /** Takes away what a progress display has left on the line. */
  clearLine: () => void = () => {};

  /** @param lead stands before each line, but not before a document or a piece of the protocol */
  constructor(streams: OutputStreams, lead = '') {
    this.#streams = streams;
    this.#lead = lead;
    streams.stdout.on('error', () => {
      this.#stdoutOpen = false;
    });
    streams.stderr.on('error', () => {
      this.#stderrOpen = false;
    });
  }

  line(line: ByteString): void {
    if (this.#lines.push(line) === 1) queueMicrotask(() => this.flush());
  }

  flush(): void {
    const lines = this.#lines;
    this.#lines = [];
    if (!this.#stdoutOpen || lines.length === 0) return;
    this.clearLine();
    this.#streams.stdout.write(`${lines.map((line) => this.#lead + printableBytes(line)).join('\n')}\n`);
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
    if (!this.#stderrOpen || text === '') return;
    this.clearLine();
    this.#streams.stderr.write(text);
  }

  /** Resolves when everything written has been handed to the system. */
  async drained(): Promise<void> {
    this.flush();
    await Promise.all([
      ...(this.#stdoutOpen ? [written(this.#streams.stdout)] : []),
      ...(this.#stderrOpen ? [written(this.#streams.stderr)] : []),
    ]);
  }
}

function written(stream: Writable): Promise<void> {
  return new Promise((resolve) => {
    // An error is told by the stream's 'error' event; here only the end of waiting matters.
    stream.write('', () => resolve());
  });
}
