/**
 * Commands as a server reads them, written down a second time from the grammar (protocol 7.3) and none of our own code: an
 * atom ends at white space, a parenthesis or a quote; literals are taken by their size; anything else is an error.
 */
export type Read = null | string | Read[] | { [key: string]: Read } | { file: string };

export class ServerReader {
  readonly #octets: string;
  #at = 0;

  constructor(octets: string) {
    this.#octets = octets;
  }

  get atEnd(): boolean {
    return this.#at === this.#octets.length;
  }

  /** `APPLY NAME value`, or a verb alone. */
  command(): { words: string[]; value: Read | undefined } {
    const words = [this.#word()];
    if (words[0] === 'RESTART' || words[0] === 'NOOP') {
      this.#expect('\r\n');
      return { words, value: undefined };
    }
    this.#expect(' ');
    words.push(this.#word());
    this.#expect(' ');
    const value = this.#value();
    this.#expect('\r\n');
    return { words, value };
  }

  #word(): string {
    const word = /^[A-Z_]+/.exec(this.#octets.slice(this.#at))?.[0] ?? this.#fail('a word');
    this.#at += word.length;
    return word;
  }

  #value(): Read {
    if (this.#take('%(')) return this.#map();
    if (this.#take('%{')) return this.#file();
    if (this.#take('(')) return this.#list();
    return this.#string(true);
  }

  #map(): Read {
    const map = Object.create(null) as { [key: string]: Read };
    while (!this.#take(')')) {
      this.#blanks();
      const key = this.#string(false) ?? this.#fail('a key');
      this.#expect(' ');
      map[key] = this.#value();
      this.#blanks();
    }
    return map;
  }

  #list(): Read[] {
    const list: Read[] = [];
    while (!this.#take(')')) {
      this.#blanks();
      list.push(this.#value());
      this.#blanks();
    }
    return list;
  }

  #file(): Read {
    this.#string(false);
    this.#expect(' ');
    const guid = this.#string(false) ?? '';
    if (!/^[0-9a-fA-F]{40}$/.test(guid)) this.#fail('a GUID');
    this.#expect(' ');
    return { file: this.#counted() };
  }

  #string(nilIsNull: boolean): string | null {
    if (this.#take('"')) return this.#quoted();
    if (this.#take('{')) return this.#counted();
    const atom = /^[^\s()"]+/.exec(this.#octets.slice(this.#at))?.[0] ?? this.#fail('an atom');
    this.#at += atom.length;
    return atom === 'NIL' && nilIsNull ? null : atom;
  }

  #quoted(): string {
    let text = '';
    for (;;) {
      const octet = this.#octets[this.#at++] ?? this.#fail('a quote');
      if (octet === '"') return text;
      if (octet === '\r' || octet === '\n' || octet === '\0') this.#fail('no line end between quotes');
      text += octet === '\\' ? this.#octets[this.#at++] : octet;
    }
  }

  #counted(): string {
    const head = /^(\d+)\+?\}\r\n/.exec(this.#octets.slice(this.#at)) ?? this.#fail('the size of a literal');
    const size = Number(head[1]);
    this.#at += head[0].length + size;
    if (this.#at > this.#octets.length) this.#fail(`${size} octets`);
    return this.#octets.slice(this.#at - size, this.#at);
  }

  #blanks(): void {
    while (/\s/.test(this.#octets[this.#at] ?? '')) this.#at++;
  }

  #take(text: string): boolean {
    if (!this.#octets.startsWith(text, this.#at)) return false;
    this.#at += text.length;
    return true;
  }

  #expect(text: string): void {
    if (!this.#take(text)) this.#fail(JSON.stringify(text));
  }

  #fail(expected: string): never {
    const found = JSON.stringify(this.#octets.slice(this.#at, this.#at + 60));
    throw new Error(`expected ${expected} at octet ${this.#at}, found ${found}`);
  }
}
