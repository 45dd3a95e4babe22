import type { ByteString } from '../../byte-string.ts';
import { DlistParser, type DlistParserOptions } from '../dlist/parser.ts';
import type { DlistValue } from '../dlist/value.ts';
import { MAX_ANSWER_OCTETS, MAX_LINE_OCTETS, VALUE_OVERHEAD_OCTETS } from '../limits.ts';
import { linkError } from '../link-errors.ts';
import { hiddenOctets, type Traffic } from './traffic.ts';

export interface ResponseListener {
  /** How the value of the untagged line that begins now is to be read. */
  valueOptions(name: ByteString): DlistParserOptions;
  /** `* NAME value`. */
  untagged(name: ByteString, value: DlistValue): void;
  /** `* BYE text`, `* Fatal error: text` and the like: no value, `text` is all after the star. */
  notice(name: ByteString, text: ByteString): void;
  /** A line that does not begin with a star: the final answer of the oldest command. */
  final(line: ByteString): void;
}

/** Untagged lines that are text, not `NAME value`. All others are read as DLIST. */
const TEXT_LINES: ReadonlySet<ByteString> = new Set([
  'OK',
  'NO',
  'BAD',
  'BYE',
  'PREAUTH',
  'CAPABILITY',
  'Fatal',
  'ID',
]);

const SP = 0x20;
const LF = 0x0a;
const CR = 0x0d;

/*
 * HEAD: at the start of a line, up to its second space or its end. TEXT: the rest of a line of text. VALUE: inside a
 * DLIST value. TAIL: behind a value, only the line end may come.
 *
 *   HEAD -> TEXT -> HEAD     HEAD -> VALUE -> TAIL -> HEAD
 */
const HEAD = 0;
const TEXT = 1;
const VALUE = 2;
const TAIL = 3;

/** Splits what the server sends into untagged values and final answers (protocol 6.3). */
export class ResponseReader {
  readonly #listener: ResponseListener;
  readonly #traffic: Traffic;
  readonly #parser = new DlistParser();
  #state = HEAD;
  #line = '';
  #name = '';
  /** Octets of memory that the lines of this answer take so far. */
  #memory = 0;
  #hidden = 0;

  constructor(listener: ResponseListener, traffic: Traffic) {
    this.#listener = listener;
    this.#traffic = traffic;
  }

  /** The part that came of an incomplete line, for the error text of a link that broke there. */
  get unfinished(): ByteString {
    return this.#line;
  }

  /** @throws SyncError IMAP_PROTOCOL_ERROR (family `link`) */
  push(chunk: Buffer): void {
    let at = 0;
    if (!this.#traffic.wanted) {
      while (at < chunk.length) at = this.#step(chunk, at);
      return;
    }
    const shown: Buffer[] = [];
    try {
      while (at < chunk.length) {
        const from = at;
        const hide = this.#insideHidden;
        at = this.#step(chunk, at);
        if (hide) {
          this.#hidden += at - from;
          continue;
        }
        if (this.#hidden > 0) shown.push(Buffer.from(hiddenOctets(this.#hidden)));
        this.#hidden = 0;
        shown.push(chunk.subarray(from, at));
      }
    } finally {
      if (shown.length > 0) this.#traffic.received(Buffer.concat(shown));
    }
  }

  get #insideHidden(): boolean {
    return this.#state === VALUE && this.#parser.insideFile;
  }

  #step(chunk: Buffer, at: number): number {
    switch (this.#state) {
      case HEAD:
        return this.#head(chunk, at);
      case TEXT:
        return this.#text(chunk, at);
      case VALUE:
        return this.#value(chunk, at);
      default:
        return this.#tail(chunk, at);
    }
  }

  #head(chunk: Buffer, from: number): number {
    let at = from;
    while (at < chunk.length) {
      const octet = chunk[at++];
      if (octet === LF) {
        this.#line += chunk.toString('latin1', from, at);
        this.#checkLength();
        this.#endTextLine();
        return at;
      }
      if (octet === SP && (this.#line !== '' || at - from > 1)) {
        const head = this.#line + chunk.toString('latin1', from, at);
        if (head.startsWith('* ') && head.length > 2) {
          this.#line = head;
          this.#untaggedHead();
          return at;
        }
        if (!head.startsWith('*')) {
          this.#line = head;
          this.#state = TEXT;
          return at;
        }
      }
    }
    this.#line += chunk.toString('latin1', from, at);
    this.#checkLength();
    return at;
  }

  #untaggedHead(): void {
    this.#name = this.#line.slice(2, -1);
    if (TEXT_LINES.has(this.#name)) {
      this.#state = TEXT;
      return;
    }
    this.#line = '';
    const options = this.#listener.valueOptions(this.#name);
    this.#memory += VALUE_OVERHEAD_OCTETS;
    this.#parser.reset({
      ...options,
      maxMemoryOctets: (options.maxMemoryOctets ?? MAX_ANSWER_OCTETS) - this.#memory,
      stopAtFiles: this.#traffic.wanted,
    });
    this.#state = VALUE;
  }

  #text(chunk: Buffer, from: number): number {
    const newline = chunk.indexOf(LF, from);
    const at = newline < 0 ? chunk.length : newline + 1;
    this.#line += chunk.toString('latin1', from, at);
    this.#checkLength();
    if (newline >= 0) this.#endTextLine();
    return at;
  }

  #endTextLine(): void {
    const line = this.#line.replace(/\r?\n$/, '');
    this.#line = '';
    this.#state = HEAD;
    if (!line.startsWith('* ')) {
      this.#memory = 0;
      this.#listener.final(line);
      return;
    }
    const text = line.slice(2);
    const space = text.indexOf(' ');
    this.#listener.notice(space < 0 ? text : text.slice(0, space), text);
  }

  #value(chunk: Buffer, from: number): number {
    const at = this.#parser.push(chunk, from);
    if (this.#parser.done) {
      this.#memory += this.#parser.memoryOctets;
      this.#listener.untagged(this.#name, this.#parser.take());
      this.#state = TAIL;
    }
    return at;
  }

  #tail(chunk: Buffer, at: number): number {
    const octet = chunk[at];
    if (octet === LF) this.#state = HEAD;
    else if (octet !== CR && octet !== SP) {
      const found = JSON.stringify(chunk.toString('latin1', at, at + 40));
      throw linkError('IMAP_PROTOCOL_ERROR', `expected the end of the ${this.#name} line, found ${found}`, {
        hint: 'The peer does not speak the replication protocol as Cyrus does, or octets were damaged on the way',
      });
    }
    return at + 1;
  }

  #checkLength(): void {
    if (this.#line.length <= MAX_LINE_OCTETS) return;
    throw linkError(
      'IMAP_PROTOCOL_ERROR',
      `expected a line, found ${this.#line.length} octets without a line end`,
      {
        hint: 'The peer does not speak the replication protocol as Cyrus does, or octets were damaged on the way',
      },
    );
  }
}
