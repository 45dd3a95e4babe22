const COMMENT = 'a blank before a comment, or double quotes around a value that has ; or # in it';
const AFTER_QUOTES = 'nothing behind the quotes that end the value';
const ESCAPES = 'double quotes with \\\\ for each backslash and \\" for each quote between them';

/** JSON has other escapes, which nobody means who writes a password. */
const IN_QUOTES = /^"(?:[^"\\]|\\["\\])*"$/;

/** It stands where octets were no UTF-8. */
const REPLACEMENT = '\ufffd';

/**
 * Tells what would be read as something else without a word: a password would be refused by a server that nothing is wrong with.
 * Outside quotes `ini` takes what follows a ; or # for a comment, in the middle of a word too; what stands in quotes it reads as JSON.
 *
 * @param text what stands behind the =
 * @returns what is expected in its place; undefined if it is read as it is written
 */
export function misspelling(text: string): string | undefined {
  if (text.includes(REPLACEMENT)) return 'UTF-8';
  const value = text.trim();
  if (/^".*"$/.test(value)) return IN_QUOTES.test(value) && isJson(value) ? undefined : ESCAPES;
  if (/^'.*'$/.test(value)) {
    const within = value.slice(1, -1);
    return !isJson(within) || String(JSON.parse(within)) === within ? undefined : ESCAPES;
  }
  const comment = /^(?:\\.|[^\\;#])*(?=[;#])/.exec(value);
  if (comment === null) return undefined;
  if (/^["']/.test(value)) return AFTER_QUOTES;
  return /(?:^|\s)$/.test(comment[0]) ? undefined : COMMENT;
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
