import type { ByteString } from '../../byte-string.ts';

/**
 * A value of the dlist text that Cyrus keeps on disk (store 3.3): in mailboxes.db, cyrus.header and quota files.
 * A bare `NIL` is null. Keys of a map keep their order; where a key is given twice the first one wins.
 */
export type DiskValue = ByteString | null | DiskValue[] | DiskMap;

export class DiskMap {
  readonly pairs: [ByteString, DiskValue][];

  constructor(pairs: [ByteString, DiskValue][]) {
    this.pairs = pairs;
  }

  get(key: ByteString): DiskValue | undefined {
    return this.pairs.find(([name]) => name === key)?.[1];
  }

  /** The text under `key`; undefined if absent, NIL or not a text. */
  text(key: ByteString): ByteString | undefined {
    const value = this.get(key);
    return typeof value === 'string' ? value : undefined;
  }

  /** The decimal number under `key`; 0 if absent, NaN if it is something else. */
  number(key: ByteString): number {
    const value = this.get(key);
    if (value === undefined || value === null) return 0;
    return typeof value === 'string' ? decimal(value) : Number.NaN;
  }
}

/** Decimal digits as a number; NaN for anything else or above 2^53-1, which no counter of a real store reaches. */
export function decimal(text: ByteString): number {
  if (!/^[0-9]+$/.test(text)) return Number.NaN;
  const value = Number(text);
  return Number.isSafeInteger(value) ? value : Number.NaN;
}

/** Where and why the text is not a dlist; the caller knows the file and turns it into a SyncError. */
export class DiskDlistError extends Error {
  override readonly name = 'DiskDlistError';
}

/** The whole text as one value. @throws DiskDlistError */
export function parseDiskDlist(text: ByteString): DiskValue {
  const parser = new Parser(text);
  const value = parser.value(0);
  parser.end();
  return value;
}

/** The whole text as one `%(...)`. @throws DiskDlistError */
export function parseDiskMap(text: ByteString): DiskMap {
  const value = parseDiskDlist(text);
  if (!(value instanceof DiskMap)) throw new DiskDlistError('expected %(...)');
  return value;
}

/** Real values nest three deep (list of maps in a map). */
const MAX_DEPTH = 16;

class Parser {
  readonly #text: ByteString;
  #at = 0;

  constructor(text: ByteString) {
    this.#text = text;
  }

  value(depth: number): DiskValue {
    if (depth > MAX_DEPTH) this.#fail('nested too deep');
    const text = this.#text;
    if (text.startsWith('%(', this.#at)) return this.#map(depth);
    if (text[this.#at] === '(') return this.#list(depth);
    const item = this.#item();
    return item.bare && item.text === 'NIL' ? null : item.text;
  }

  #item(): { text: ByteString; bare: boolean } {
    switch (this.#text[this.#at]) {
      case '"':
        return { text: this.#quoted(), bare: false };
      case '{':
        return { text: this.#literal(), bare: false };
      default:
        return { text: this.#atom(), bare: true };
    }
  }

  end(): void {
    while (this.#text[this.#at] === '\n' || this.#text[this.#at] === '\r') this.#at++;
    if (this.#at < this.#text.length) this.#fail('expected the end');
  }

  #map(depth: number): DiskMap {
    this.#at += 2;
    const pairs: [ByteString, DiskValue][] = [];
    while (!this.#closes()) {
      if (pairs.length > 0) this.#space();
      // Not always a word: in an ACL the keys are the identifiers.
      const key = this.#item().text;
      this.#space();
      pairs.push([key, this.value(depth + 1)]);
    }
    return new DiskMap(pairs);
  }

  #list(depth: number): DiskValue[] {
    this.#at++;
    const values: DiskValue[] = [];
    while (!this.#closes()) {
      if (values.length > 0) this.#space();
      values.push(this.value(depth + 1));
    }
    return values;
  }

  #closes(): boolean {
    if (this.#at >= this.#text.length) this.#fail('missing )');
    if (this.#text[this.#at] !== ')') return false;
    this.#at++;
    return true;
  }

  #space(): void {
    if (this.#text[this.#at] !== ' ') this.#fail('expected a space');
    this.#at++;
  }

  #quoted(): ByteString {
    const text = this.#text;
    let value = '';
    let start = ++this.#at;
    for (;;) {
      const char = text[this.#at];
      if (char === undefined) this.#fail('missing "');
      if (char === '"') break;
      if (char === '\\') {
        value += text.slice(start, this.#at);
        start = this.#at + 1;
        this.#at++;
      }
      this.#at++;
    }
    value += text.slice(start, this.#at++);
    return value;
  }

  #literal(): ByteString {
    const text = this.#text;
    const end = text.indexOf('\r\n', this.#at);
    const size = end < 0 ? null : /^\{([0-9]+)\+?\}$/.exec(text.slice(this.#at, end));
    if (size === null) this.#fail('malformed literal');
    const start = end + 2;
    const length = Number(size[1]);
    if (start + length > text.length) this.#fail('literal cut short');
    this.#at = start + length;
    return text.slice(start, this.#at);
  }

  /** Reads up to the next space, and gives back the closing parentheses at its end. */
  #atom(): ByteString {
    const text = this.#text;
    let end = text.indexOf(' ', this.#at);
    if (end < 0) end = text.length;
    while (end > this.#at && /[\r\n]/.test(text[end - 1] ?? '')) end--;
    while (end > this.#at && text[end - 1] === ')') end--;
    if (end === this.#at) this.#fail('expected a value');
    const atom = text.slice(this.#at, end);
    this.#at = end;
    return atom;
  }

  #fail(what: string): never {
    throw new DiskDlistError(`${what} at octet ${this.#at}`);
  }
}
