import { crc32 } from 'node:zlib';
import { headerLayout, recordLayout, type TimeField } from '../../src/store/mailbox/index-layouts.ts';

/** Octets of cyrus.index files for tests, written with the layouts that the reader has; real ones are in test/cyrus/store. */
export interface FakeRecord {
  uid: number;
  modseq?: number;
  flags?: number;
  userFlags?: readonly number[];
  guid?: string;
  size?: number;
  cid?: bigint;
  savedate?: number;
  createdmodseq?: number;
  internaldate?: number;
}

export interface FakeHeader {
  version: number;
  lastUid?: number;
  highestmodseq?: number;
  exists?: number;
  options?: number;
  uidvalidity?: number;
}

const SIZES: Readonly<Record<number, number>> = { 10: 88, 12: 96, 13: 104, 14: 104, 15: 104, 20: 144 };

export function recordSizeOf(version: number): number {
  return SIZES[version] ?? 112;
}

export function indexBytes(header: FakeHeader, records: readonly FakeRecord[]): Buffer {
  return Buffer.concat([
    headerBytes(header, records.length),
    ...records.map((record) => recordBytes(header.version, record)),
  ]);
}

function headerBytes(header: FakeHeader, count: number): Buffer {
  const layout = headerLayout(header.version);
  if (layout === undefined) throw new Error(`no version ${header.version}`);
  const bytes = Buffer.alloc(layout.size);
  const put = (offset: number | undefined, value: number) =>
    offset === undefined ? 0 : bytes.writeUInt32BE(value, offset);
  put(8, header.version);
  put(12, layout.size);
  put(16, recordSizeOf(header.version));
  put(20, count);
  put(layout.lastUid, header.lastUid ?? count);
  put(layout.uidvalidity, header.uidvalidity ?? 77);
  put(layout.exists, header.exists ?? count);
  put(layout.options, header.options ?? 0);
  bytes.writeBigUInt64BE(BigInt(header.highestmodseq ?? 5), layout.highestmodseq);
  putTime(bytes, 0, layout.lastAppenddate, 1_700_000_000);
  if (layout.headerCrc !== undefined) put(layout.headerCrc, crc32(bytes.subarray(0, layout.headerCrc)));
  return bytes;
}

function recordBytes(version: number, record: FakeRecord): Buffer {
  const layout = recordLayout(version, recordSizeOf(version));
  if (layout === undefined) throw new Error(`no version ${version}`);
  const bytes = Buffer.alloc(layout.octets);
  bytes.writeUInt32BE(record.uid, 0);
  putTime(bytes, 0, layout.internaldate, record.internaldate ?? 1_600_000_000);
  putTime(bytes, 0, layout.lastUpdated, 1_600_000_001);
  const size = record.size ?? 1000 + record.uid;
  if (layout.size.octets === 4) bytes.writeUInt32BE(size, layout.size.offset);
  else bytes.writeBigUInt64BE(BigInt(size), layout.size.offset);
  bytes.writeUInt32BE((record.flags ?? 0) >>> 0, layout.flags);
  for (const slot of record.userFlags ?? []) {
    const at = layout.userFlags + 4 * (slot >>> 5);
    bytes.writeUInt32BE((bytes.readUInt32BE(at) | (1 << (slot & 31))) >>> 0, at);
  }
  bytes.write(record.guid ?? 'ab'.repeat(20), layout.guid, 'hex');
  bytes.writeBigUInt64BE(BigInt(record.modseq ?? 3), layout.modseq);
  if (layout.cid !== undefined) bytes.writeBigUInt64BE(record.cid ?? 0n, layout.cid);
  if (layout.savedate !== undefined) putTime(bytes, 0, layout.savedate, record.savedate ?? 0);
  if (layout.createdmodseq !== undefined) {
    bytes.writeBigUInt64BE(BigInt(record.createdmodseq ?? 0), layout.createdmodseq);
  }
  if (layout.recordCrc !== undefined) {
    bytes.writeUInt32BE(crc32(bytes.subarray(0, layout.recordCrc)), layout.recordCrc);
  }
  return bytes;
}

function putTime(bytes: Buffer, at: number, field: TimeField, seconds: number): void {
  if (field.unit === 'seconds') bytes.writeUInt32BE(seconds, at + field.offset);
  else bytes.writeBigInt64BE(BigInt(seconds) * 1_000_000_000n, at + field.offset);
}
