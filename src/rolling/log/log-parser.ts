import type { ByteString } from '../../byte-string.ts';
import { MAX_LINE_OCTETS, MAX_LITERAL_OCTETS } from '../limits.ts';
import { type LineFault, type LogLine, meaningOf, shown } from './log-line.ts';

/** `number` counts lines of the file from 1; a literal's own line breaks count too. */
export type ParsedLine =
  | { kind: 'line'; number: number; line: LogLine }
  | { kind: 'bad'; number: number; fault: LineFault };

/**
 * Reads `TYPE SP word [SP word] LF` from chunks of any size (algorithm 9.3); CR before LF may be there. Blank
 * lines are passed over. A bad line costs nothing but itself: the C reader takes some of them for the end of the file.
 * A last line without LF counts.
 */
export class LogParser {
  #text = '';
  #line = 1;
  /** In the middle of a line that is too long to be one. */
  #eating = false;

  *feed(chunk: Uint8Array): Generator<ParsedLine> {
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    this.#text += bytes.toString('latin1');
    yield* this.#drain(false);
  }

  /** After the last chunk. */
  *end(): Generator<ParsedLine> {
    yield* this.#drain(true);
  }

  *#drain(final: boolean): Generator<ParsedLine> {
    let position = 0;
    while (position < this.#text.length) {
      if (this.#eating) {
        const end = this.#text.indexOf('\n', position);
        if (end < 0) {
          position = this.#text.length;
          break;
        }
        position = end + 1;
        this.#line++;
        this.#eating = false;
        continue;
      }
      const scan = scanLine(this.#text, position, final);
      if (scan.kind === 'incomplete') {
        if (this.#text.length - position <= MAX_LINE_OCTETS) break;
        this.#eating = true;
        const found = shown(this.#text.slice(position));
        yield {
          kind: 'bad',
          number: this.#line,
          fault: { expected: `at most ${MAX_LINE_OCTETS} octets`, found },
        };
        continue;
      }
      const number = this.#line;
      this.#line += lineFeeds(this.#text, position, scan.end);
      position = scan.end;
      if (scan.kind === 'bad') yield { kind: 'bad', number, fault: scan.fault };
      if (scan.kind !== 'words') continue;
      const meaning = meaningOf(scan.type, scan.words);
      if (meaning.kind === 'line') yield { kind: 'line', number, line: meaning.line };
      else yield { kind: 'bad', number, fault: meaning.fault };
    }
    this.#text = this.#text.slice(position);
  }
}

type Scan =
  | { kind: 'incomplete' }
  | { kind: 'blank'; end: number }
  | { kind: 'bad'; end: number; fault: LineFault }
  | { kind: 'words'; end: number; type: ByteString; words: ByteString[] };

type Word =
  | { kind: 'incomplete' }
  | { kind: 'bad'; at: number; fault: LineFault }
  | { kind: 'word'; end: number; word: ByteString };

/** C's isspace: unlike `\s` without octet A0, which is half of many a UTF-8 letter. */
const WORD_END = /[ \t\n\v\f\r()"]/g;
const LITERAL_HEAD = /\{(\d{1,10})\+?\}\r\n/y;

function scanLine(text: string, start: number, final: boolean): Scan {
  if (!final && text.indexOf('\n', start) < 0) return { kind: 'incomplete' };
  let at = wordEnd(text, start);
  const type = text.slice(start, at);
  const words: ByteString[] = [];
  while (text[at] === ' ') {
    const word = scanWord(text, at + 1, final);
    if (word.kind === 'incomplete') return word;
    if (word.kind === 'bad') return badLine(text, word.at, final, word.fault);
    words.push(word.word);
    at = word.end;
    if (words.length === 2) break;
  }
  if (text[at] === '\r') at++;
  if (at >= text.length) {
    if (!final) return { kind: 'incomplete' };
  } else if (text[at] !== '\n') {
    const found = `Garbage at end of input line: ${shown(restOfLine(text, at))}`;
    return badLine(text, at, final, { expected: 'TYPE and one or two names', found });
  }
  const end = Math.min(at + 1, text.length);
  if (type === '' && words.length === 0) return { kind: 'blank', end };
  return { kind: 'words', end, type, words };
}

function scanWord(text: string, at: number, final: boolean): Word {
  if (text[at] === '"') return scanQuoted(text, at, final);
  if (text[at] === '{') return scanLiteral(text, at, final);
  const end = wordEnd(text, at);
  if (end > at) return noNul({ kind: 'word', end, word: text.slice(at, end) });
  const found = shown(restOfLine(text, at)) || 'the end of the line';
  return { kind: 'bad', at, fault: { expected: 'a name after the blank', found } };
}

function scanQuoted(text: string, start: number, final: boolean): Word {
  let word = '';
  let from = start + 1;
  for (let at = from; at < text.length; at++) {
    const char = text[at];
    if (char === '\\') {
      word += text.slice(from, at);
      from = ++at;
    } else if (char === '"') {
      return noNul({ kind: 'word', end: at + 1, word: word + text.slice(from, at) });
    } else if (char === '\r' || char === '\n') {
      const found = `a line break in ${shown(text.slice(start, at))}`;
      return { kind: 'bad', at, fault: { expected: 'a closing quote', found } };
    }
  }
  if (!final) return { kind: 'incomplete' };
  return {
    kind: 'bad',
    at: text.length,
    fault: { expected: 'a closing quote', found: 'the end of the log' },
  };
}

function scanLiteral(text: string, start: number, final: boolean): Word {
  LITERAL_HEAD.lastIndex = start;
  const head = LITERAL_HEAD.exec(text);
  const length = Number(head?.[1] ?? Number.NaN);
  if (!head || length > MAX_LITERAL_OCTETS) {
    const fault = {
      expected: `a literal {N} of at most ${MAX_LITERAL_OCTETS} octets`,
      found: shown(restOfLine(text, start)),
    };
    return { kind: 'bad', at: start, fault };
  }
  const from = start + head[0].length;
  const end = from + length;
  if (end <= text.length) return noNul({ kind: 'word', end, word: text.slice(from, end) });
  if (!final) return { kind: 'incomplete' };
  const fault = { expected: `a literal of ${length} octets`, found: `${text.length - from} octets` };
  return { kind: 'bad', at: text.length, fault };
}

/** A NUL ends a string for Cyrus: nothing it keeps can be named so. */
function noNul(word: Word & { kind: 'word' }): Word {
  if (!word.word.includes('\0')) return word;
  return { kind: 'bad', at: word.end, fault: { expected: 'a name', found: `a NUL in ${shown(word.word)}` } };
}

function badLine(text: string, at: number, final: boolean, fault: LineFault): Scan {
  const end = text.indexOf('\n', at);
  if (end >= 0) return { kind: 'bad', end: end + 1, fault };
  return final ? { kind: 'bad', end: text.length, fault } : { kind: 'incomplete' };
}

function wordEnd(text: string, start: number): number {
  WORD_END.lastIndex = start;
  return WORD_END.exec(text)?.index ?? text.length;
}

function restOfLine(text: string, at: number): string {
  const end = text.indexOf('\n', at);
  return end < 0 ? text.slice(at) : text.slice(at, end);
}

function lineFeeds(text: string, from: number, to: number): number {
  let count = 0;
  for (let at = text.indexOf('\n', from); at >= 0 && at < to; at = text.indexOf('\n', at + 1)) count++;
  return count;
}
