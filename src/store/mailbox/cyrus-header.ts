import type { ByteString } from '../../byte-string.ts';
import { type Grammar, MAILBOX_NAME, matches, UNIQUEID } from '../../grammar.ts';
import { DiskDlistError, type DiskMap, type DiskValue, parseDiskMap } from '../files/parse-disk-dlist.ts';

/** The parts of cyrus.header that the index cannot do without (store 5). */
export interface CyrusHeader {
  quotaroot: ByteString | undefined;
  uniqueid: ByteString | undefined;
  /** By slot; null = unused. */
  userFlags: (ByteString | null)[];
}

const MAGIC = Buffer.concat([
  Buffer.from([0xa1, 0x02, 0x8b, 0x0d]),
  Buffer.from(
    'Cyrus mailbox header\n"The best thing about this system was that it had lots of goals."\n\t--Jim Morris on Andrew\n',
    'latin1',
  ),
]);

/** Bits of the user flag words in a record. */
export const MAX_USER_FLAGS = 128;

/** The caller knows the file. */
export class CyrusHeaderError extends Error {
  override readonly name = 'CyrusHeaderError';
}

/** @throws CyrusHeaderError */
export function parseCyrusHeader(content: Buffer): CyrusHeader {
  if (!content.subarray(0, MAGIC.length).equals(MAGIC)) {
    throw new CyrusHeaderError('expected the magic of a Cyrus mailbox header');
  }
  const text = content.toString('latin1', MAGIC.length);
  return text.startsWith('%') ? fromDlist(text) : fromLines(text);
}

/** Cyrus 3.6 and newer. The last line feed ends it, since values may hold literals. */
function fromDlist(text: string): CyrusHeader {
  const map = parseMap(text);
  return {
    quotaroot: checked(MAILBOX_NAME, map.text('Q')),
    uniqueid: checked(UNIQUEID, map.text('I')),
    userFlags: flagsOf(map.get('U')),
  };
}

function parseMap(text: string): DiskMap {
  try {
    return parseDiskMap(text);
  } catch (caught) {
    if (caught instanceof DiskDlistError) throw new CyrusHeaderError(caught.message, { cause: caught });
    throw caught;
  }
}

function flagsOf(value: DiskValue | undefined): (ByteString | null)[] {
  if (!Array.isArray(value)) return [];
  return value
    .slice(0, MAX_USER_FLAGS)
    .map((flag) => (typeof flag === 'string' && flag !== '' ? flag : null));
}

/** Cyrus 2.x to 3.4: quotaroot TAB uniqueid, flags with single spaces, ACL. */
function fromLines(text: string): CyrusHeader {
  const [first = '', flags = ''] = text.split('\n');
  const [quotaroot, uniqueid] = first.split('\t');
  return {
    quotaroot: checked(MAILBOX_NAME, quotaroot),
    uniqueid: checked(UNIQUEID, uniqueid),
    userFlags: oldFlags(flags),
  };
}

function oldFlags(line: string): (ByteString | null)[] {
  const words = line.split(' ');
  // The writer ends each name with a space, so the last word is none.
  if (words.at(-1) === '') words.pop();
  return words.slice(0, MAX_USER_FLAGS).map((flag) => (flag === '' ? null : flag));
}

/** Empty counts as absent. @throws CyrusHeaderError */
function checked(grammar: Grammar, text: ByteString | undefined): ByteString | undefined {
  if (text === undefined || text === '') return undefined;
  if (matches(grammar, text)) return text;
  throw new CyrusHeaderError(`expected ${grammar.what}, found ${JSON.stringify(text.slice(0, 80))}`);
}
