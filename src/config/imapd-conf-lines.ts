import { readNamedFile } from '../native/open-regular.ts';
import { SyncError } from '../report/sync-error.ts';
import { configError, type Position, placeText } from './config-error.ts';

/** One `key: value`, key lower-cased, value trimmed; octets, not text. */
export interface ConfigLine extends Position {
  key: string;
  value: string;
  /** The name that was opened: `file`, or that with the prefix before it. */
  path: string;
}

/** Reads one file as octets (latin1). Throws what fs throws. */
export type ReadConfigFile = (path: string) => string;

/** Octets. A site with an option for each of 10,000 partitions is far below it. */
export const MAX_CONFIGURATION_OCTETS = 16 * 1024 * 1024;

export const readFromDisk: ReadConfigFile = (path) =>
  readNamedFile(path, MAX_CONFIGURATION_OCTETS).toString('latin1');

/** The blanks of C's isspace. JavaScript's trim would also take 0xA0, which is data here. */
const BLANK = ' \\t\\n\\v\\f\\r';
const ENTRY = new RegExp(`^(@?[A-Za-z0-9_-]+):[${BLANK}]*(.*?)[${BLANK}]*$`, 's');
const COMMENT = new RegExp(`^[${BLANK}]*(?:#|$)`);
const LEADING_BLANKS = new RegExp(`^[${BLANK}]+`);

/**
 * The lines of imapd.conf and of all that it includes, in reading order (store 1.1).
 *
 * @param prefix $CYRUS_PREFIX: put before each file name, the plain name is the second try
 * @throws SyncError CONFIG with file and line
 */
export function* configLines(
  file: string,
  prefix: string | undefined,
  read: ReadConfigFile,
): Generator<ConfigLine> {
  yield* linesOf(file, undefined, prefix, read, new Map());
}

function* linesOf(
  file: string,
  includedAt: Position | undefined,
  prefix: string | undefined,
  read: ReadConfigFile,
  seen: Map<string, Position | undefined>,
): Generator<ConfigLine> {
  const { content, path } = open(file, includedAt, prefix, read);
  if (seen.has(file)) {
    const before = seen.get(file);
    throw configError(
      includedAt ?? file,
      `expected each file once, but ${file} is included twice (first ${before === undefined ? 'as the main file' : `at ${placeText(before)}`})`,
      'remove one of the two @include lines',
    );
  }
  seen.set(file, includedAt);

  for (const { text, line } of joinedLines(content)) {
    const place: Position = { file, line };
    if (COMMENT.test(text)) continue;
    const match = ENTRY.exec(text.replace(LEADING_BLANKS, ''));
    if (match === null) {
      throw configError(
        place,
        'expected an option name of letters, digits, - and _ with : directly after it',
        'a comment needs a line of its own, starting with #',
      );
    }
    const [, spelled = '', value = ''] = match;
    const key = spelled.toLowerCase();
    if (value === '') throw configError(place, `expected a value for ${key}, found none`);
    if (key === '@include') yield* linesOf(value, place, prefix, read, seen);
    else if (key.startsWith('@')) {
      throw configError(place, `expected the directive @include, found ${key}`);
    } else yield { file, line, key, value, path };
  }
}

function open(
  file: string,
  includedAt: Position | undefined,
  prefix: string | undefined,
  read: ReadConfigFile,
): { content: string; path: string } {
  if (prefix !== undefined) {
    try {
      return { content: read(prefix + file), path: prefix + file };
    } catch (caught) {
      // Cyrus takes any failure with the prefix as "not there" and goes on to the plain name, which then decides.
      if (!(caught instanceof Error && 'code' in caught)) throw caught;
    }
  }
  try {
    return { content: read(file), path: file };
  } catch (caught) {
    if (!(caught instanceof Error && 'code' in caught)) throw caught;
    const why = caught instanceof SyncError ? caught.message : caught.code;
    throw configError(
      includedAt ?? file,
      `expected a readable configuration file, but ${file} cannot be opened (${why})`,
      hintFor(caught.code, includedAt),
      caught,
    );
  }
}

function hintFor(code: unknown, includedAt: Position | undefined): string {
  if (code === 'EACCES')
    return 'Cyrus itself has to read it: let this user, as chmod and chown do, or run this as Cyrus does';
  return includedAt === undefined ? 'name the file with -C' : 'correct the @include line';
}

/**
 * Joins lines that end in a backslash directly before the line feed: both vanish and nothing is inserted. A backslash
 * before CR LF joins nothing. When the file ends after such a join, Cyrus never looks at the joined line, so it is
 * dropped here too: both programs must see the same configuration.
 */
function* joinedLines(content: string): Generator<{ text: string; line: number }> {
  const physical = content.split('\n');
  const complete = content.endsWith('\n');
  if (complete) physical.pop();
  let joined = '';
  let first: number | undefined;
  for (const [index, text] of physical.entries()) {
    first ??= index + 1;
    const last = index === physical.length - 1;
    if (text.endsWith('\\') && !(last && !complete)) {
      joined += text.slice(0, -1);
      continue;
    }
    yield { text: joined + text, line: first };
    joined = '';
    first = undefined;
  }
}
