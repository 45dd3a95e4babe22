import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { crc32 } from 'node:zlib';
import { basicCrc } from '../../src/store/mailbox/checksums.ts';
import {
  GUID_OCTETS,
  HEADER_MINOR_VERSION,
  HEADER_NUM_RECORDS,
  HEADER_RECORD_SIZE,
  HEADER_START_OFFSET,
  headerLayout,
  RECORD_UID,
  recordLayout,
  type TimeField,
} from '../../src/store/mailbox/index-layouts.ts';

/**
 * Gives the first records of a cyrus.index file these modseqs, as an upgrade of a much older one leaves them, with all checksums
 * right. The messages have no flags.
 */
export function setModseqs(path: string, modseqs: readonly number[]): void {
  const index = readFileSync(path);
  const version = index.readUInt32BE(HEADER_MINOR_VERSION);
  const size = index.readUInt32BE(HEADER_RECORD_SIZE);
  const header = headerLayout(version);
  const layout = recordLayout(version, size);
  assert.ok(header?.crcBasic && header.headerCrc && layout?.recordCrc, `no checksums in version ${version}`);
  assert.ok(index.readUInt32BE(HEADER_NUM_RECORDS) >= modseqs.length);
  let crc = index.readUInt32BE(header.crcBasic);
  for (const [i, modseq] of modseqs.entries()) {
    const at = index.readUInt32BE(HEADER_START_OFFSET) + i * size;
    const bytes = index.subarray(at, at + size);
    assert.equal(bytes.readUInt32BE(layout.flags), 0, 'a message has flags');
    const basic = (): number =>
      basicCrc([
        {
          uid: bytes.readUInt32BE(RECORD_UID),
          modseq: Number(bytes.readBigUInt64BE(layout.modseq)),
          lastUpdated: secondsOf(bytes, layout.lastUpdated),
          flags: [],
          internaldate: secondsOf(bytes, layout.internaldate),
          size: 0,
          guid: bytes.toString('hex', layout.guid, layout.guid + GUID_OCTETS),
        },
      ]);
    crc ^= basic();
    bytes.writeBigUInt64BE(BigInt(modseq), layout.modseq);
    crc ^= basic();
    bytes.writeUInt32BE(crc32(bytes.subarray(0, layout.recordCrc)), layout.recordCrc);
  }
  index.writeUInt32BE(crc >>> 0, header.crcBasic);
  index.writeUInt32BE(crc32(index.subarray(0, header.headerCrc)), header.headerCrc);
  writeFileSync(path, index);
}

function secondsOf(record: Buffer, { offset, unit }: TimeField): number {
  if (unit === 'seconds') return record.readUInt32BE(offset);
  return Number(record.readBigInt64BE(offset) / 1_000_000_000n);
}
