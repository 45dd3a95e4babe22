/**
 * Names, flags, ACLs and annotation values are octets to Cyrus, in no promised encoding. Inside the program they are
 * JavaScript strings with one char per octet (latin1): lossless, fast, and `<` on them is Cyrus's byte order.
 * Only the command line (in) and the report (out) deal in UTF-8.
 */
export type ByteString = string;

/** Octets of what a person typed (UTF-16 from argv or a UTF-8 file already decoded). */
export function bytesFromText(text: string): ByteString {
  return Buffer.from(text, 'utf8').toString('latin1');
}

/** Octets as text for a terminal, a log or a report. Invalid UTF-8 shows as U+FFFD. */
export function textFromBytes(bytes: ByteString): string {
  return Buffer.from(bytes, 'latin1').toString('utf8');
}

/** Byte order, as C's strcmp and every cyrusdb but skiplist use it. */
export function compareBytes(a: ByteString, b: ByteString): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

const BLANKS_AROUND = /^[ \t\r\n]+|[ \t\r\n]+$/g;

/** Neither `trim()` nor `\s` is for octets: both take A0 for a blank, which is the end of à and of hundreds of other letters in UTF-8. */
export function withoutBlanksAround(bytes: ByteString): ByteString {
  return bytes.replace(BLANKS_AROUND, '');
}
