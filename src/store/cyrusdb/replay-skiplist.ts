import type { ByteString } from '../../byte-string.ts';
import type { BlockFile } from './block-file.ts';
import { damaged } from './damaged.ts';

/** Layout and rules are Cyrus's (store 2.2). */
const WORD_OCTETS = 4;
/** Behind the header and the dummy with its 20 pointers. */
const FIRST_RECORD = 144;

const INORDER = 1;
const ADD = 2;
const DELETE = 4;
const COMMIT = 255;
const TERMINATOR = 0xffffffff;

type Change = { key: ByteString; value: ByteString } | { deleted: number };

/**
 * Reads what was committed from the log without following a pointer. The whole file is read, once. Reading ends quietly at
 * the first thing in the log that is not a record: a writer that died leaves exactly that, behind its last commit.
 *
 * @param logStart where the log begins; what precedes it was complete before the file got its name
 * @throws SyncError DATABASE_DAMAGED, IO
 */
export function replaySkiplist(file: BlockFile, logStart: number): Map<ByteString, ByteString> {
  const rows = new Map<ByteString, ByteString>();
  const end = replay(file, rows);
  if (end < logStart) throw damaged(file.path, end, `expected a record, as before the log at ${logStart}`);
  return rows;
}

/** @returns the offset of the first thing that is not a record */
function replay(file: BlockFile, rows: Map<ByteString, ByteString>): number {
  const keyAt = new Map<number, ByteString>();
  let pending: Change[] = [];
  let offset = FIRST_RECORD;
  for (;;) {
    const type = word(file, offset);
    if (type === 0) {
      offset += WORD_OCTETS;
    } else if (type === INORDER || type === ADD) {
      const record = readRecord(file, offset);
      if (record === undefined) return offset;
      keyAt.set(offset, record.key);
      if (type === INORDER) rows.set(record.key, record.value);
      else pending.push(record);
      offset = record.end;
    } else if (type === DELETE) {
      const deleted = word(file, offset + WORD_OCTETS);
      if (deleted === undefined) return offset;
      pending.push({ deleted });
      offset += 2 * WORD_OCTETS;
    } else if (type === COMMIT) {
      for (const change of pending) apply(change, rows, keyAt);
      pending = [];
      offset += WORD_OCTETS;
    } else {
      return offset;
    }
  }
}

function apply(change: Change, rows: Map<ByteString, ByteString>, keyAt: Map<number, ByteString>): void {
  if ('key' in change) {
    rows.set(change.key, change.value);
    return;
  }
  const key = keyAt.get(change.deleted);
  if (key !== undefined) rows.delete(key);
}

function readRecord(file: BlockFile, offset: number) {
  const keyLength = word(file, offset + WORD_OCTETS);
  if (keyLength === undefined) return undefined;
  const keyAt = offset + 2 * WORD_OCTETS;
  const key = text(file, keyAt, keyLength);
  const valueLengthAt = keyAt + padded(keyLength);
  const valueLength = word(file, valueLengthAt);
  if (key === undefined || valueLength === undefined) return undefined;
  const value = text(file, valueLengthAt + WORD_OCTETS, valueLength);
  if (value === undefined) return undefined;
  let end = valueLengthAt + WORD_OCTETS + padded(valueLength);
  for (;;) {
    const pointer = word(file, end);
    if (pointer === undefined) return undefined;
    end += WORD_OCTETS;
    if (pointer === TERMINATOR) return { key, value, end };
  }
}

function word(file: BlockFile, offset: number): number | undefined {
  const at = file.locate(offset, WORD_OCTETS);
  return at < 0 ? undefined : file.octets.readUInt32BE(at);
}

function text(file: BlockFile, offset: number, length: number): ByteString | undefined {
  const at = file.locate(offset, length);
  return at < 0 ? undefined : file.octets.toString('latin1', at, at + length);
}

function padded(length: number): number {
  return Math.ceil(length / WORD_OCTETS) * WORD_OCTETS;
}
