import { crc32 } from 'node:zlib';
import type { ByteString } from '../../../../src/byte-string.ts';

/** Writes twoskip files by Cyrus's rules (store 2.1): the reader under test agrees with Cyrus's own files and with these. */
export interface TwoskipRecord {
  key: ByteString;
  value: ByteString;
  /** 1..30. */
  level: number;
  /** The 64-bit forms of the lengths, which Cyrus only writes where it must. */
  longKey?: boolean;
  longValue?: boolean;
  /** Which of the two level-0 pointers is the committed one. */
  newest?: 0 | 1;
  /** The deletion of a record lies between this one and the next. */
  deletionAfter?: boolean;
}

export interface TwoskipOptions {
  version?: number;
  /** As after the death of a writer: junk past the committed end, linked in everywhere but on level 0. */
  killed?: boolean;
}

const DUMMY_LEVEL = 31;
const HEADER_BYTES = 64;

export function writeTwoskip(records: readonly TwoskipRecord[], options: TwoskipOptions = {}): Buffer {
  const all = [{ key: '', value: '', level: DUMMY_LEVEL }, ...records] as TwoskipRecord[];
  const offsets: number[] = [];
  const deletions: number[] = [];
  let end = HEADER_BYTES;
  for (const record of all) {
    offsets.push(end);
    end += headLength(record) + 8 + padded(record.key.length + record.value.length);
    deletions.push(end);
    if (record.deletionAfter) end += 24;
  }
  const parts = all.flatMap((record, i) => {
    const next = offsets[i + 1] ?? 0;
    const successor = record.deletionAfter ? (deletions[i] ?? 0) : next;
    const pointers = Array.from({ length: record.level + 1 }, (_, n) => {
      if (n >= 2) return options.killed ? end : (offsets[nextOfLevel(all, i, n)] ?? 0);
      if (options.killed) return n === (record.newest ?? 0) ? successor : end;
      return n === (record.newest ?? 0) ? successor : 0;
    });
    const part = [encode(i === 0 ? '=' : '+', record, pointers)];
    if (record.deletionAfter) part.push(encode('-', { key: '', value: '', level: 0 }, [next]));
    return part;
  });
  return Buffer.concat([
    header(records.length, end, options),
    ...parts,
    ...(options.killed ? [Buffer.from('+ a record that was never finished')] : []),
  ]);
}

function nextOfLevel(all: readonly TwoskipRecord[], from: number, level: number): number {
  const found = all.findIndex((record, i) => i > from && record.level >= level);
  return found < 0 ? all.length : found;
}

function header(records: number, end: number, options: TwoskipOptions): Buffer {
  const bytes = Buffer.alloc(HEADER_BYTES);
  bytes.write('\xa1\x02\x8b\x0dtwoskip file', 'latin1');
  bytes.writeUInt32BE(options.version ?? 1, 20);
  bytes.writeBigUInt64BE(1n, 24);
  bytes.writeBigUInt64BE(BigInt(records), 32);
  bytes.writeBigUInt64BE(BigInt(end), 40);
  bytes.writeBigUInt64BE(BigInt(end), 48);
  bytes.writeUInt32BE(options.killed ? 1 : 0, 56);
  bytes.writeUInt32BE(crc32(bytes.subarray(0, 60)), 60);
  return bytes;
}

function encode(type: string, record: TwoskipRecord, pointers: readonly number[]): Buffer {
  const fixed = Buffer.alloc(8);
  fixed.write(type, 'latin1');
  fixed.writeUInt8(record.level, 1);
  fixed.writeUInt16BE(isLongKey(record) ? 0xffff : record.key.length, 2);
  fixed.writeUInt32BE(record.longValue ? 0xffffffff : record.value.length, 4);
  const long = [
    ...(isLongKey(record) ? [record.key.length] : []),
    ...(record.longValue ? [record.value.length] : []),
  ];
  const head = Buffer.concat([fixed, ...[...long, ...pointers].map(word)]);
  const body = Buffer.alloc(padded(record.key.length + record.value.length));
  body.write(record.key + record.value, 'latin1');
  const checksums = Buffer.alloc(8);
  checksums.writeUInt32BE(crc32(head), 0);
  checksums.writeUInt32BE(crc32(body), 4);
  return Buffer.concat([head, checksums, body]);
}

function headLength(record: TwoskipRecord): number {
  return 8 + (isLongKey(record) ? 8 : 0) + (record.longValue ? 8 : 0) + (record.level + 1) * 8;
}

function isLongKey(record: TwoskipRecord): boolean {
  return record.longKey === true || record.key.length >= 0xffff;
}

function word(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(value));
  return bytes;
}

function padded(length: number): number {
  return Math.ceil(length / 8) * 8;
}
