import type { ByteString } from '../../byte-string.ts';
import type { CyrusDatabase } from './cyrus-database.ts';
import { damaged } from './damaged.ts';
import type { KeyComparator } from './key-comparator.ts';
import { MapDatabase } from './map-database.ts';

/** `FF FF` = FF, `FF x` = x & 0x7F: how a flat file writes NUL, TAB, CR, LF and FF itself (store 2.3). */
const ESCAPE = '\xff';
const ESCAPED = /\xff([\s\S]?)/g;

/**
 * A flat file: `key TAB value LF`, rows in order.
 *
 * @throws SyncError DATABASE_DAMAGED
 */
export function readFlat(path: string, content: Buffer, compare: KeyComparator): CyrusDatabase {
  const nul = content.indexOf(0);
  // Its writers escape it. A file full of them is what a crash leaves, or was never written to.
  if (nul >= 0) throw damaged(path, nul, 'expected text, found NUL', HINT);
  const text = content.toString('latin1');
  const rows = new Map<ByteString, ByteString>();
  for (let start = 0; start < text.length; ) {
    const end = text.indexOf('\n', start);
    if (end < 0) throw damaged(path, start, 'expected a line ended by LF, found the end of the file', HINT);
    const tab = text.indexOf('\t', start);
    if (tab < 0 || tab > end)
      throw damaged(path, start, 'expected key TAB value, found no TAB in the line', HINT);
    rows.set(unescaped(text.slice(start, tab)), unescaped(text.slice(tab + 1, end)));
    start = end + 1;
  }
  return new MapDatabase(rows, compare);
}

const HINT =
  'restore the file from a backup; it is text, so that a damaged line can also be corrected with Cyrus stopped';

function unescaped(text: ByteString): ByteString {
  if (!text.includes(ESCAPE)) return text;
  return text.replace(ESCAPED, (_, octet: string) =>
    octet === ESCAPE || octet === '' ? ESCAPE : String.fromCharCode(octet.charCodeAt(0) & 0x7f),
  );
}
