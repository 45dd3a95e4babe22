import type { ByteString } from '../../../../src/byte-string.ts';

/** Writes skiplist files by Cyrus's rules (store 2.2), for tests. */
export interface SkiplistRecord {
  key: ByteString;
  value: ByteString;
  /** Number of pointers, 1..20. */
  level: number;
}

export type LogEntry = { add: SkiplistRecord } | { delete: ByteString } | 'commit';

const HEADER_BYTES = 48;
const MAX_LEVEL = 20;
const DUMMY = 257;
const INORDER = 1;
const ADD = 2;
const DELETE = 4;
const COMMIT = 255;
const TERMINATOR = 0xffffffff;

/**
 * A file as a compaction leaves it: records in order, linked.
 *
 * @param fileOrder where the record with this index stands in the file; records out of order are what was added later,
 *   and a commit follows them
 */
export function writeSkiplist(records: readonly SkiplistRecord[], fileOrder: readonly number[] = []): Buffer {
  const added = fileOrder.length > 0;
  const order = added ? fileOrder : records.map((_, i) => i);
  const dummy: SkiplistRecord = { key: '', value: '', level: MAX_LEVEL };
  const offsets = new Array<number>(records.length).fill(0);
  let end = HEADER_BYTES + sizeOf(dummy);
  for (const i of order) {
    offsets[i] = end;
    end += sizeOf(records[i] ?? dummy);
  }
  const pointers = (from: number, count: number) =>
    Array.from({ length: count }, (_, level) => {
      const next = records.findIndex((record, i) => i > from && record.level > level);
      return offsets[next] ?? 0;
    });
  const parts = order.map((i) => {
    const record = records[i] ?? dummy;
    return encode(added ? ADD : INORDER, record, pointers(i, record.level));
  });
  const curlevel = Math.max(0, ...records.map((record) => record.level));
  const logStart = added ? HEADER_BYTES + sizeOf(dummy) : end;
  return Buffer.concat([
    header(curlevel, records.length, logStart),
    encode(DUMMY, dummy, pointers(-1, MAX_LEVEL)),
    ...parts,
    ...(added ? [words(COMMIT)] : []),
  ]);
}

/** The log behind it, not linked in: only a replay finds it. */
export function withLog(
  compacted: Buffer,
  base: readonly SkiplistRecord[],
  log: readonly LogEntry[],
): Buffer {
  const at = new Map<ByteString, number>();
  let end = HEADER_BYTES + sizeOf({ key: '', value: '', level: MAX_LEVEL });
  for (const record of base) {
    at.set(record.key, end);
    end += sizeOf(record);
  }
  const parts = [compacted];
  for (const entry of log) {
    let part: Buffer;
    if (entry === 'commit') part = words(COMMIT);
    else if ('delete' in entry) part = words(DELETE, at.get(entry.delete) ?? 0);
    else {
      part = encode(ADD, entry.add, new Array<number>(entry.add.level).fill(0));
      at.set(entry.add.key, end);
    }
    end += part.length;
    parts.push(part);
  }
  return Buffer.concat(parts);
}

function header(curlevel: number, listsize: number, logStart: number): Buffer {
  const magic = Buffer.alloc(20);
  magic.write('\xa1\x02\x8b\x0dskiplist file', 'latin1');
  return Buffer.concat([magic, words(1, 2, MAX_LEVEL, curlevel, listsize, logStart, 0)]);
}

function encode(type: number, record: SkiplistRecord, pointers: readonly number[]): Buffer {
  return Buffer.concat([
    words(type, record.key.length),
    padded(record.key),
    words(record.value.length),
    padded(record.value),
    words(...pointers, TERMINATOR),
  ]);
}

function sizeOf(record: SkiplistRecord): number {
  return encode(INORDER, record, new Array<number>(record.level).fill(0)).length;
}

function padded(octets: ByteString): Buffer {
  const bytes = Buffer.alloc(Math.ceil(octets.length / 4) * 4);
  bytes.write(octets, 'latin1');
  return bytes;
}

function words(...values: number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 4);
  for (const [i, value] of values.entries()) bytes.writeUInt32BE(value, i * 4);
  return bytes;
}
