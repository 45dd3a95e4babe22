import { readFileSync } from 'node:fs';
import type { ByteString } from '../byte-string.ts';
import { SyncError } from '../report/sync-error.ts';

export interface ListedName {
  name: ByteString;
  /** 1-based. */
  line: number;
}

/** `-f -`. */
const STANDARD_INPUT = '-';
const STANDARD_INPUT_DESCRIPTOR = 0;

/**
 * One name per line, of any length; blanks are part of a name. Empty lines and lines that begin with # are passed over,
 * CR before LF is dropped, and a last line without LF counts.
 */
export function parseNameList(content: ByteString): ListedName[] {
  return content
    .split('\n')
    .map((text, index) => ({ name: text.endsWith('\r') ? text.slice(0, -1) : text, line: index + 1 }))
    .filter(({ name }) => name !== '' && !name.startsWith('#'));
}

/** @throws SyncError IO */
export function readNameList(file: string): ListedName[] {
  const source = file === STANDARD_INPUT ? STANDARD_INPUT_DESCRIPTOR : file;
  try {
    return parseNameList(readFileSync(source, 'latin1'));
  } catch (caught) {
    if (!(caught instanceof Error && 'code' in caught)) throw caught;
    throw new SyncError(
      'IO',
      `${listText(file)}: expected a readable list of names for -f, but it cannot be read (${caught.code})`,
      { phase: 'start', cause: caught },
    );
  }
}

/** For messages. */
export function listText(file: string): string {
  return file === STANDARD_INPUT ? 'standard input' : file;
}
