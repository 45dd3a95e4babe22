import { readFileSync } from 'node:fs';
import { type ByteString, withoutBlanksAround } from '../../byte-string.ts';
import { SyncError } from '../../report/sync-error.ts';

export interface ListedName {
  name: ByteString;
  /** 1-based. */
  line: number;
}

/** `-f -`. */
const STANDARD_INPUT = '-';
const STANDARD_INPUT_DESCRIPTOR = 0;

/** UTF-8's byte order mark, which editors of other systems put at the beginning of a file. */
const BYTE_ORDER_MARK = '\xef\xbb\xbf';

/**
 * One name per line, of any length. What editors and spreadsheets add is dropped: a byte order mark, CR before LF, blanks
 * around a name. Empty lines and lines that begin with # are passed over, and a last line without LF counts.
 */
export function parseNameList(content: ByteString): ListedName[] {
  const text = content.startsWith(BYTE_ORDER_MARK) ? content.slice(BYTE_ORDER_MARK.length) : content;
  return text
    .split('\n')
    .map((line, index) => ({ name: withoutBlanksAround(line), line: index + 1 }))
    .filter(({ name }) => name !== '' && !name.startsWith('#'));
}

/** @throws SyncError IO */
export function readNameList(file: string, option = '-f'): ListedName[] {
  const source = file === STANDARD_INPUT ? STANDARD_INPUT_DESCRIPTOR : file;
  try {
    return parseNameList(readFileSync(source, 'latin1'));
  } catch (caught) {
    if (!(caught instanceof Error && 'code' in caught)) throw caught;
    throw new SyncError(
      'IO',
      `${listText(file)}: expected a readable list of names for ${option}, but it cannot be read (${caught.code})`,
      { phase: 'start', cause: caught },
    );
  }
}

/** For messages. */
export function listText(file: string): string {
  return file === STANDARD_INPUT ? 'standard input' : file;
}
