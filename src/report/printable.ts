import { type ByteString, textFromBytes } from '../byte-string.ts';
import { withoutMarks } from './name-in-text.ts';

/** Moves a cursor, ends a line, turns the direction of writing round, or is not seen at all. */
const STEERING = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;
const PLAIN = /^[ -~]*$/;
const BEYOND_OCTETS = /[\u{100}-\u{10ffff}]/u;

/** Well-formed UTF-8, seen as octets, or one octet that is none. */
const UTF8_OR_OCTET = new RegExp(
  [
    '[\\x00-\\x7f]+',
    '[\\xc2-\\xdf][\\x80-\\xbf]',
    '\\xe0[\\xa0-\\xbf][\\x80-\\xbf]',
    '[\\xe1-\\xec\\xee\\xef][\\x80-\\xbf]{2}',
    '\\xed[\\x80-\\x9f][\\x80-\\xbf]',
    '\\xf0[\\x90-\\xbf][\\x80-\\xbf]{2}',
    '[\\xf1-\\xf3][\\x80-\\xbf]{3}',
    '\\xf4[\\x80-\\x8f][\\x80-\\xbf]{2}',
    '[\\x80-\\xff]',
  ].join('|'),
  'g',
);

/**
 * Text as a part of one line, for a terminal, a log or a list. Names and reasons come from peers and files: what in them
 * would end the line or steer a terminal is shown by its number, and all else as it is.
 */
export function printable(text: string): string {
  return PLAIN.test(text) ? text : withoutMarks(text).replaceAll(STEERING, numbered);
}

/** Does the same for octets; those that are no UTF-8 are shown by number too. */
export function printableBytes(marked: ByteString): string {
  if (PLAIN.test(marked)) return marked;
  const bytes = withoutMarks(marked);
  // Messages are octets where they hold names, and text where the system made them.
  if (BEYOND_OCTETS.test(bytes)) return printable(bytes);
  return bytes.replaceAll(UTF8_OR_OCTET, (part) =>
    part.length === 1 && part >= '\u0080' ? numbered(part) : printable(textFromBytes(part)),
  );
}

/** Several lines, whose ends are kept. */
export function printableLines(bytes: ByteString): string {
  const lines = bytes.split('\n').map((line) => {
    const ended = line.endsWith('\r');
    return printableBytes(ended ? line.slice(0, -1) : line) + (ended ? '\r' : '');
  });
  return lines.join('\n');
}

/** Nothing in it is shown by number. */
export function isPrintable(text: string): boolean {
  return printable(text) === text;
}

function numbered(character: string): string {
  const number = character.codePointAt(0) ?? 0;
  const digits = number.toString(16);
  return number < 0x100 ? `\\x${digits.padStart(2, '0')}` : `\\u{${digits}}`;
}
