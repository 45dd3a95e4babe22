import { crc32 } from 'node:zlib';
import { MAX_INDEX_PART_OCTETS } from '../files/limits.ts';
import { readU64 } from '../files/read-u64.ts';
import {
  HEADER_MINOR_VERSION,
  HEADER_NUM_RECORDS,
  HEADER_RECORD_SIZE,
  HEADER_START_OFFSET,
  headerLayout,
  LARGEST_HEADER_OCTETS,
  NEWEST_INDEX_VERSION,
  OLDEST_INDEX_VERSION,
  type RecordLayout,
  recordLayout,
  type TimeField,
} from './index-layouts.ts';

/** The header of cyrus.index after Cyrus's own fix-ups (store 6.2). */
export interface IndexHeader {
  version: number;
  /** Octets from the start of the file to the first record. */
  startOffset: number;
  recordSize: number;
  records: number;
  exists: number;
  lastUid: number;
  highestmodseq: number;
  deletedmodseq: number;
  recentuid: number;
  recenttime: number;
  lastAppenddate: number;
  pop3LastLogin: number;
  pop3ShowAfter: number;
  uidvalidity: number;
  createdmodseq: number;
  options: number;
  crcBasic: number;
  crcAnnotations: number;
  layout: RecordLayout;
}

/** The caller knows the file. `unsupported`: it may be sound, but is too old for replication, or newer than what is read here. */
export class IndexError extends Error {
  override readonly name = 'IndexError';
  readonly unsupported: 'too-old' | 'unknown' | undefined;

  constructor(finding: string, unsupported?: IndexError['unsupported']) {
    super(finding);
    this.unsupported = unsupported;
  }
}

export const OPTION_POP3_NEW_UIDL = 1 << 0;
const OPTION_SHARED_SEEN = 1 << 2;
const OPTION_DUPLICATE_DELIVER = 1 << 3;
const OPTION_HAS_ALARMS = 1 << 4;
const OPTION_DELETED_BIT = 31;

/** @param head the first octets of the file, LARGEST_HEADER_OCTETS of them if there are as many. @throws IndexError */
export function parseIndexHeader(head: Buffer): IndexHeader {
  if (head.length < HEADER_NUM_RECORDS + 4) {
    throw new IndexError(`expected a header of at least 96 octets, found ${head.length}`);
  }
  const version = head.readUInt32BE(HEADER_MINOR_VERSION);
  const startOffset = head.readUInt32BE(HEADER_START_OFFSET);
  const recordSize = head.readUInt32BE(HEADER_RECORD_SIZE);
  if (version > 0 && version < OLDEST_INDEX_VERSION) {
    throw new IndexError(`index version ${version} has no message GUIDs`, 'too-old');
  }
  const layout = headerLayout(version);
  const record = recordLayout(version, recordSize);
  if (layout === undefined || record === undefined) {
    const isNewer = version > NEWEST_INDEX_VERSION;
    throw new IndexError(`index version ${version} is not known`, isNewer ? 'unknown' : undefined);
  }
  if (
    startOffset < layout.size ||
    recordSize < record.octets ||
    Math.max(startOffset, recordSize) > MAX_INDEX_PART_OCTETS
  ) {
    throw new IndexError(
      `version ${version} needs header and records of ${layout.size} and ${record.octets} octets, ` +
        `found ${startOffset} and ${recordSize}`,
    );
  }
  if (head.length < Math.min(layout.size, LARGEST_HEADER_OCTETS)) {
    throw new IndexError(`expected a header of ${layout.size} octets, found ${head.length}`);
  }
  if (layout.headerCrc !== undefined) checkCrc(head, layout.headerCrc);

  const u32 = (offset: number | undefined) => (offset === undefined ? 0 : head.readUInt32BE(offset));
  const u64 = (offset: number | undefined) => (offset === undefined ? 0 : readSafeU64(head, offset));
  const time = (field: TimeField | undefined) => (field === undefined ? 0 : readTime(head, field));
  const records = head.readUInt32BE(HEADER_NUM_RECORDS);
  const exists = layout.exists === undefined ? records : u32(layout.exists);
  const highestmodseq = u64(layout.highestmodseq) || 1;
  return {
    version,
    startOffset,
    recordSize,
    records,
    exists,
    lastUid: u32(layout.lastUid),
    highestmodseq,
    deletedmodseq: layout.deletedmodseq === undefined ? highestmodseq : u64(layout.deletedmodseq),
    recentuid: u32(layout.recentuid),
    recenttime: time(layout.recenttime),
    lastAppenddate: time(layout.lastAppenddate),
    pop3LastLogin: time(layout.pop3LastLogin),
    pop3ShowAfter: time(layout.pop3ShowAfter),
    uidvalidity: u32(layout.uidvalidity),
    createdmodseq: u64(layout.createdmodseq),
    options: (u32(layout.options) | (exists === 0 ? OPTION_POP3_NEW_UIDL : 0)) >>> 0,
    crcBasic: u32(layout.crcBasic),
    crcAnnotations: u32(layout.crcAnnotations),
    layout: record,
  };
}

function checkCrc(head: Buffer, offset: number): void {
  const stored = head.readUInt32BE(offset);
  const computed = crc32(head.subarray(0, offset));
  if (stored !== computed) throw new IndexError(`expected header CRC ${computed}, found ${stored}`);
}

function readSafeU64(head: Buffer, offset: number): number {
  const value = readU64(head, offset);
  if (!Number.isSafeInteger(value)) throw new IndexError(`modseq at octet ${offset} is out of range`);
  return value;
}

const NANOSECONDS_PER_SECOND = 1_000_000_000n;

/** Seconds since the epoch: the wire knows no other unit. */
export function readTime(octets: Buffer, field: TimeField): number {
  if (field.unit === 'seconds') return octets.readUInt32BE(field.offset);
  return Number(octets.readBigInt64BE(field.offset) / NANOSECONDS_PER_SECOND);
}

/** Tells whether the mailbox is being deleted, and so as good as gone. */
export function isMarkedDeleted(header: IndexHeader): boolean {
  return header.options >>> OPTION_DELETED_BIT === 1;
}

/** OPTIONS of the wire: letters in the order P S D A. */
export function optionLetters(options: number): string {
  return [
    options & OPTION_POP3_NEW_UIDL ? 'P' : '',
    options & OPTION_SHARED_SEEN ? 'S' : '',
    options & OPTION_DUPLICATE_DELIVER ? 'D' : '',
    options & OPTION_HAS_ALARMS ? 'A' : '',
  ].join('');
}
