import type { ByteString } from '../../byte-string.ts';

/**
 * One line of a sync log (algorithm 9.3): internal mailbox names, quota roots and userids as Cyrus's writers
 * put them there.
 */
export type LogLine =
  | { type: 'USER' | 'UNUSER' | 'META' | 'SIEVE'; userid: ByteString }
  | { type: 'MAILBOX' | 'APPEND' | 'UNMAILBOX' | 'ANNOTATION'; name: ByteString }
  | { type: 'QUOTA'; root: ByteString }
  | { type: 'RENAME' | 'DOUBLEMAILBOX'; from: ByteString; to: ByteString }
  | { type: 'SEEN'; userid: ByteString; uniqueid: ByteString }
  | { type: 'SUB' | 'UNSUB'; userid: ByteString; name: ByteString };

/** Why a line says nothing that can be done. */
export interface LineFault {
  expected: string;
  found: string;
}

export type LineMeaning = { kind: 'line'; line: LogLine } | { kind: 'fault'; fault: LineFault };

/** Longest piece of a bad line that is repeated in a report, in octets. */
const SHOWN = 100;

/** The meaning of the words of one line. `type` in any case. */
export function meaningOf(type: ByteString, words: readonly ByteString[]): LineMeaning {
  const upper = type.toUpperCase();
  const [first, second] = words;
  const one = words.length === 1 && first !== undefined ? first : undefined;
  const two =
    first !== undefined && second !== undefined && words.length === 2 ? { first, second } : undefined;
  switch (upper) {
    case 'USER':
    case 'UNUSER':
    case 'META':
    case 'SIEVE':
      if (one) return { kind: 'line', line: { type: upper, userid: one } };
      return fault(`one userid after ${upper}`, words);
    case 'UNMAILBOX':
      if (one) return { kind: 'line', line: { type: upper, name: one } };
      return fault('one mailbox name after UNMAILBOX', words);
    case 'ANNOTATION':
      // The empty name stands for the server's own annotations.
      if (one !== undefined) return { kind: 'line', line: { type: upper, name: one } };
      return fault('one mailbox name, or "", after ANNOTATION', words);
    case 'QUOTA':
      if (one) return { kind: 'line', line: { type: upper, root: one } };
      return fault('one quota root after QUOTA', words);
    case 'MAILBOX':
    case 'APPEND':
    case 'DOUBLEMAILBOX':
      // Cyrus's reader takes one name or two after each of the three.
      if (two?.first && two.second) {
        return { kind: 'line', line: { type: 'DOUBLEMAILBOX', from: two.first, to: two.second } };
      }
      if (one) return { kind: 'line', line: { type: upper === 'APPEND' ? upper : 'MAILBOX', name: one } };
      return fault(`one or two mailbox names after ${upper}`, words);
    case 'RENAME':
      if (two?.first && two.second) {
        return { kind: 'line', line: { type: upper, from: two.first, to: two.second } };
      }
      return fault('two mailbox names after RENAME', words);
    case 'SEEN':
      if (two?.first && two.second) {
        return { kind: 'line', line: { type: upper, userid: two.first, uniqueid: two.second } };
      }
      return fault('a userid and a uniqueid after SEEN', words);
    case 'SUB':
    case 'UNSUB':
      if (two?.first && two.second) {
        return { kind: 'line', line: { type: upper, userid: two.first, name: two.second } };
      }
      return fault(`a userid and a mailbox name after ${upper}`, words);
    default:
      return {
        kind: 'fault',
        fault: {
          expected: 'a type of action that Cyrus logs',
          found: `Unknown action type: ${shown(upper)}`,
        },
      };
  }
}

function fault(expected: string, words: readonly ByteString[]): LineMeaning {
  return { kind: 'fault', fault: { expected, found: shown(words.map(quoteWord).join(' ')) || 'nothing' } };
}

export function shown(text: ByteString): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not reach a terminal or a log
  const printable = text.slice(0, SHOWN).replace(/[\x00-\x1f\x7f]/g, '?');
  return text.length > SHOWN ? `${printable}...` : printable;
}

/** The line as Cyrus's writers spell it, LF included. */
export function formatLogLine(line: LogLine): ByteString {
  return `${[line.type, ...wordsOf(line).map(quoteWord)].join(' ')}\n`;
}

function wordsOf(line: LogLine): ByteString[] {
  switch (line.type) {
    case 'USER':
    case 'UNUSER':
    case 'META':
    case 'SIEVE':
      return [line.userid];
    case 'MAILBOX':
    case 'APPEND':
    case 'UNMAILBOX':
    case 'ANNOTATION':
      return [line.name];
    case 'QUOTA':
      return [line.root];
    case 'RENAME':
    case 'DOUBLEMAILBOX':
      return [line.from, line.to];
    case 'SEEN':
      return [line.userid, line.uniqueid];
    case 'SUB':
    case 'UNSUB':
      return [line.userid, line.name];
  }
}

/**
 * Quotes as Cyrus's writer does: if empty or holding blank, tab, parenthesis, brace, backslash or quote. Beyond that
 * vertical tab and form feed are quoted, which its reader takes for the end of a word, and a line break, which its
 * writer dies of, makes a literal.
 */
export function quoteWord(word: ByteString): ByteString {
  if (/[\r\n]/.test(word)) return `{${word.length}+}\r\n${word}`;
  if (word !== '' && !/[ \t\v\f()\\"{}]/.test(word)) return word;
  return `"${word.replace(/[\\"{}]/g, '\\$&')}"`;
}
