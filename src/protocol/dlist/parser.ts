/**
 * The door of `protocol/dlist`. Here is Cyrus's grammar of values, read and printed octet for octet. It is pure, and the one
 * part of the room that the sandbox uses too. Nothing read has more depth, length or memory than its bound, and nothing printed
 * can become more than one value.
 */

import type { ByteString } from '../../byte-string.ts';
import { SyncError } from '../../report/sync-error.ts';
import {
  MAX_LITERAL_HEAD_OCTETS,
  MAX_LITERAL_OCTETS,
  MAX_NESTING,
  MAX_WORD_OCTETS,
  VALUE_OVERHEAD_OCTETS,
} from '../limits.ts';
import { parseFileHead, parseLiteralHead } from './literal-heads.ts';
import { DlistFile, type DlistMap, type DlistValue } from './value.ts';

/** Where a file's octets go. `write` is called with pieces of the chunk itself: copy what is to be kept. */
export interface FileSink {
  write(piece: Buffer): void;
  /** @returns what stands in the parsed value for the file */
  end(): DlistFile;
}

export interface DlistParserOptions {
  /** One call per file; undefined collects the octets into `DlistFile.content`. */
  openFile?: ((partition: ByteString, guid: ByteString, size: number) => FileSink) | undefined;
  /** Items of the list under this key of the outermost kvlist go to `onItem` as they are read and are not kept. */
  streamKey?: ByteString | undefined;
  onItem?: ((item: DlistValue) => void) | undefined;
  maxLiteralOctets?: number | undefined;
  maxFileOctets?: number | undefined;
  maxWordOctets?: number | undefined;
  /** Octets of memory for the value as a whole: all its parts, those that are not kept included. */
  maxMemoryOctets?: number | undefined;
  /** `push` returns at the start and end of each file's octets, so that they can be told apart. */
  stopAtFiles?: boolean | undefined;
}

interface Frame {
  list: DlistValue[] | undefined;
  map: DlistMap | undefined;
  /** The key of the map whose value comes next. */
  key: ByteString | undefined;
  emit: ((item: DlistValue) => void) | undefined;
}

/*
 * States. BETWEEN: before a value, a key or `)`, as the innermost frame says. ATOM and QUOTED: inside one, the part seen
 * so far in #token. QUOTED_PAIR: after a backslash. PERCENT: after `%`. *_HEAD: inside `{...}` up to its line end, text
 * in #token. *_BODY: #left octets to come. DONE: the value is complete, nothing more is consumed.
 *
 *   BETWEEN -> ATOM | QUOTED <-> QUOTED_PAIR | LITERAL_HEAD -> LITERAL_BODY | PERCENT -> FILE_HEAD -> FILE_BODY
 *   each of them -> BETWEEN, or DONE when no frame is open
 */
const BETWEEN = 0;
const ATOM = 1;
const QUOTED = 2;
const QUOTED_PAIR = 3;
const PERCENT = 4;
const LITERAL_HEAD = 5;
const LITERAL_BODY = 6;
const FILE_HEAD = 7;
const FILE_BODY = 8;
const DONE = 9;

const TAB = 0x09;
const LF = 0x0a;
const CR = 0x0d;
const SP = 0x20;
const QUOTE = 0x22;
const OPEN = 0x28;
const CLOSE = 0x29;
const PERCENT_SIGN = 0x25;
const BRACE = 0x7b;
const BACKSLASH = 0x5c;

/** 1 for octets that end an atom. */
const ENDS_ATOM = new Uint8Array(256);
for (const octet of [TAB, LF, CR, SP, OPEN, CLOSE]) ENDS_ATOM[octet] = 1;

/** V8 copies substrings shorter than this; longer ones would keep the whole chunk's text alive. */
const COPIED_SUBSTRING_LENGTH = 13;

/**
 * Incremental reader of one DLIST value after another (protocol 7.3): octets are pushed in chunks of any size, the
 * value is taken when complete. Used by both ends of the wire.
 *
 *   let at = parser.push(chunk, offset);
 *   if (parser.done) { const value = parser.take(); ... what follows the value starts at `at` }
 *
 * An atom that is a whole value ends with the octet after it, which is left to the caller.
 */
export class DlistParser {
  #state = BETWEEN;
  /** Open lists, the innermost apart from the others. */
  #frame: Frame | undefined;
  #outer: Frame[] = [];
  #token = '';
  #left = 0;
  #sink: FileSink | undefined;
  #result: DlistValue = null;
  #memory = 0;
  #options: DlistParserOptions = {};

  constructor(options: DlistParserOptions = {}) {
    this.#options = options;
  }

  /** Forgets a value half read, and sets the options for the next one. */
  reset(options: DlistParserOptions = this.#options): void {
    this.#options = options;
    this.#state = BETWEEN;
    this.#frame = undefined;
    this.#outer = [];
    this.#token = '';
    this.#sink = undefined;
    this.#result = null;
    this.#memory = 0;
  }

  /** Octets of memory that what was read since `reset` takes, or would if it were kept. */
  get memoryOctets(): number {
    return this.#memory;
  }

  get done(): boolean {
    return this.#state === DONE;
  }

  /** The next octets are those of a file. */
  get insideFile(): boolean {
    return this.#state === FILE_BODY;
  }

  /** The complete value; the parser is then ready for the next one. */
  take(): DlistValue {
    if (this.#state !== DONE) throw new SyncError('BUG', 'a DLIST value was taken before it was complete');
    const value = this.#result;
    this.#result = null;
    this.#state = BETWEEN;
    return value;
  }

  /**
   * @returns the offset of the first octet not consumed: `chunk.length` unless the value is complete (or `stopAtFiles`)
   * @throws SyncError IMAP_PROTOCOL_ERROR (family `link`): the stream cannot be followed any more
   */
  push(chunk: Buffer, offset = 0): number {
    const end = chunk.length;
    let at = offset;
    let text: string | undefined;
    const stopAtFiles = this.#options.stopAtFiles ?? false;
    while (at < end && this.#state !== DONE) {
      if (this.#state === LITERAL_BODY || this.#state === FILE_BODY) {
        const isFile = this.insideFile;
        at = this.#body(chunk, at);
        if (stopAtFiles && isFile) return at;
        continue;
      }
      // One copy of the chunk as text makes every scan below a plain string scan.
      text ??= chunk.toString('latin1');
      at = this.#scan(text, chunk, at);
      if (stopAtFiles && this.insideFile) return at;
    }
    return at;
  }

  #scan(text: string, chunk: Buffer, at: number): number {
    switch (this.#state) {
      case BETWEEN:
        return this.#between(text, chunk, at);
      case ATOM:
        return this.#atom(text, chunk, at);
      case QUOTED:
        return this.#quoted(text, at);
      case QUOTED_PAIR:
        this.#token += text[at];
        this.#state = QUOTED;
        return at + 1;
      case PERCENT:
        return this.#percent(text, at);
      default:
        return this.#head(text, at);
    }
  }

  #between(text: string, chunk: Buffer, from: number): number {
    let at = from;
    const end = text.length;
    while (at < end) {
      const octet = text.charCodeAt(at);
      switch (octet) {
        case SP:
        case TAB:
          at++;
          break;
        case CR:
        case LF:
          if (this.#frame === undefined) throw syntaxError('a value', 'the end of the line');
          at++;
          break;
        case CLOSE:
          this.#close();
          return at + 1;
        case OPEN:
          this.#open({ list: [], map: undefined, key: undefined, emit: this.#listenerForList() });
          return at + 1;
        case QUOTE:
          this.#state = QUOTED;
          return at + 1;
        case BRACE:
          this.#state = LITERAL_HEAD;
          return at + 1;
        case PERCENT_SIGN:
          this.#state = PERCENT;
          return at + 1;
        default:
          this.#state = ATOM;
          return this.#atom(text, chunk, at);
      }
    }
    return at;
  }

  #atom(text: string, chunk: Buffer, from: number): number {
    const end = text.length;
    let at = from;
    while (at < end && ENDS_ATOM[text.charCodeAt(at)] === 0) at++;
    const part =
      at - from < COPIED_SUBSTRING_LENGTH ? text.substring(from, at) : chunk.toString('latin1', from, at);
    const token = this.#token === '' ? part : this.#token + part;
    this.#checkWord(token.length);
    if (at === end) {
      this.#token = token;
      return at;
    }
    this.#token = '';
    this.#string(token, token === 'NIL');
    return at;
  }

  #quoted(text: string, from: number): number {
    const end = text.length;
    let at = from;
    while (at < end) {
      const octet = text.charCodeAt(at);
      if (octet === QUOTE || octet === BACKSLASH) break;
      at++;
    }
    this.#token += text.substring(from, at);
    this.#checkWord(this.#token.length);
    if (at === end) return at;
    if (text.charCodeAt(at) === BACKSLASH) {
      this.#state = QUOTED_PAIR;
    } else {
      // A copy: what was cut out of the chunk's text would keep all of it alive.
      const token = this.#token.length < COPIED_SUBSTRING_LENGTH ? this.#token : flatCopy(this.#token);
      this.#token = '';
      this.#string(token, false);
    }
    return at + 1;
  }

  #percent(text: string, at: number): number {
    const octet = text.charCodeAt(at);
    if (octet === OPEN) {
      this.#open({ list: undefined, map: new Map(), key: undefined, emit: undefined });
    } else if (octet === BRACE) {
      this.#refuseAsKey('a file');
      this.#state = FILE_HEAD;
    } else {
      throw syntaxError('"%(" or "%{"', JSON.stringify(`%${text[at]}`));
    }
    return at + 1;
  }

  #head(text: string, from: number): number {
    const newline = text.indexOf('\n', from);
    const at = newline < 0 ? text.length : newline + 1;
    this.#token += text.substring(from, at);
    if (this.#token.length > MAX_LITERAL_HEAD_OCTETS) {
      throw syntaxError('the size of a literal', `${this.#token.length} octets without a line end`);
    }
    if (newline < 0) return at;
    const head = this.#token;
    this.#token = '';
    if (this.#state === LITERAL_HEAD) {
      this.#left = parseLiteralHead(head);
      this.#checkSize('literal', this.#left, this.#options.maxLiteralOctets ?? MAX_LITERAL_OCTETS);
      // Before the first octet of it is taken; counted once it is there.
      this.#checkMemory(this.#memory + this.#left);
      if (this.#left === 0) this.#string('', false);
      else this.#state = LITERAL_BODY;
    } else {
      const { partition, guid, size } = parseFileHead(head);
      this.#checkSize('file', size, this.#options.maxFileOctets ?? Number.MAX_SAFE_INTEGER);
      this.#left = size;
      if (this.#options.openFile === undefined) this.#takeMemory(size);
      this.#sink = (this.#options.openFile ?? collectFile)(partition, guid, size);
      this.#state = FILE_BODY;
      if (size === 0) this.#endFile();
    }
    return at;
  }

  #body(chunk: Buffer, from: number): number {
    const at = Math.min(chunk.length, from + this.#left);
    this.#left -= at - from;
    if (this.#state === FILE_BODY) {
      this.#sink?.write(chunk.subarray(from, at));
      if (this.#left === 0) this.#endFile();
      return at;
    }
    this.#token += chunk.toString('latin1', from, at);
    if (this.#left === 0) {
      const token = this.#token;
      this.#token = '';
      this.#string(token, false);
    }
    return at;
  }

  #endFile(): void {
    const file = this.#sink?.end() ?? null;
    this.#sink = undefined;
    this.#state = BETWEEN;
    this.#add(file);
  }

  /** A complete atom, quoted string or literal: a key if one is due, a value otherwise. */
  #string(token: ByteString, isNil: boolean): void {
    this.#state = BETWEEN;
    const frame = this.#frame;
    if (frame?.map !== undefined && frame.key === undefined) {
      this.#takeMemory(token.length);
      frame.key = token;
    } else {
      this.#takeMemory(token.length + VALUE_OVERHEAD_OCTETS);
      this.#add(isNil ? null : token);
    }
  }

  #add(value: DlistValue): void {
    const frame = this.#frame;
    if (frame === undefined) {
      this.#result = value;
      this.#state = DONE;
    } else if (frame.list !== undefined) {
      if (frame.emit === undefined) frame.list.push(value);
      else frame.emit(value);
    } else if (frame.map !== undefined && frame.key !== undefined) {
      if (!frame.map.has(frame.key)) frame.map.set(frame.key, value);
      frame.key = undefined;
    }
  }

  #open(frame: Frame): void {
    this.#refuseAsKey('a list');
    this.#takeMemory(VALUE_OVERHEAD_OCTETS);
    if (this.#frame !== undefined) this.#outer.push(this.#frame);
    if (this.#outer.length >= MAX_NESTING)
      throw syntaxError(`at most ${MAX_NESTING} lists within lists`, 'more');
    this.#frame = frame;
    this.#state = BETWEEN;
  }

  #close(): void {
    const frame = this.#frame;
    if (frame === undefined) throw syntaxError('a value', '")"');
    if (frame.key !== undefined) throw syntaxError(`a value for ${frame.key}`, '")"');
    this.#frame = this.#outer.pop();
    this.#state = BETWEEN;
    this.#add(frame.list ?? frame.map ?? null);
  }

  #listenerForList(): ((item: DlistValue) => void) | undefined {
    const { streamKey, onItem } = this.#options;
    const outermost = this.#frame;
    if (streamKey === undefined || this.#outer.length > 0) return undefined;
    return outermost?.key === streamKey && !outermost.map?.has(streamKey) ? onItem : undefined;
  }

  #refuseAsKey(what: string): void {
    const frame = this.#frame;
    if (frame?.map !== undefined && frame.key === undefined) throw syntaxError('a key', what);
  }

  #takeMemory(octets: number): void {
    this.#memory += octets;
    this.#checkMemory(this.#memory);
  }

  #checkMemory(octets: number): void {
    const most = this.#options.maxMemoryOctets;
    if (most === undefined || octets <= most) return;
    throw syntaxError('an answer that fits in the memory set aside for one', 'one that goes on beyond it');
  }

  #checkWord(octets: number): void {
    this.#checkSize('word', octets, this.#options.maxWordOctets ?? MAX_WORD_OCTETS);
  }

  #checkSize(what: string, octets: number, most: number): void {
    if (octets > most) throw syntaxError(`a ${what} of at most ${most} octets`, `${octets} octets`);
  }
}

function collectFile(partition: ByteString, guid: ByteString, size: number): FileSink {
  const pieces: Buffer[] = [];
  return {
    write: (piece) => pieces.push(Buffer.from(piece)),
    end: () => new DlistFile(partition, guid, size, Buffer.concat(pieces, size)),
  };
}

function flatCopy(text: ByteString): ByteString {
  return Buffer.from(text, 'latin1').toString('latin1');
}

function syntaxError(expected: string, found: string): SyncError {
  return new SyncError('IMAP_PROTOCOL_ERROR', `expected ${expected} in a DLIST value, found ${found}`, {
    family: 'link',
    hint: 'The peer does not speak the replication protocol as Cyrus does, or octets were damaged on the way',
  });
}
