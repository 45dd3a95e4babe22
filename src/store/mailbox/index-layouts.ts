/**
 * Where the fields of cyrus.index are, version by version (store 6): every number below is an octet offset
 * into the header or a record, all integers are big-endian, and undefined means that the version has no such field.
 */

/** A u32 of seconds, or from version 20 a u64 of nanoseconds. */
export interface TimeField {
  offset: number;
  unit: 'seconds' | 'nanoseconds';
}

export interface HeaderLayout {
  lastAppenddate: TimeField;
  lastUid: number;
  pop3LastLogin: TimeField;
  uidvalidity: number;
  exists: number | undefined;
  options: number;
  highestmodseq: number;
  deletedmodseq: number | undefined;
  crcBasic: number | undefined;
  recentuid: number | undefined;
  recenttime: TimeField | undefined;
  pop3ShowAfter: TimeField | undefined;
  crcAnnotations: number | undefined;
  createdmodseq: number | undefined;
  /** CRC-32 of all octets before it. */
  headerCrc: number | undefined;
  /** Octets that the fields above need. */
  size: number;
}

export interface RecordLayout {
  internaldate: TimeField;
  /** u32, or u64 from version 20. */
  size: { offset: number; octets: 4 | 8 };
  lastUpdated: TimeField;
  flags: number;
  userFlags: number;
  savedate: TimeField | undefined;
  guid: number;
  modseq: number;
  cid: number | undefined;
  createdmodseq: number | undefined;
  basecid: number | undefined;
  recordCrc: number | undefined;
  octets: number;
}

/** Where every version has them. */
export const HEADER_MINOR_VERSION = 8;
export const HEADER_START_OFFSET = 12;
export const HEADER_RECORD_SIZE = 16;
export const HEADER_NUM_RECORDS = 20;
export const RECORD_UID = 0;
export const GUID_OCTETS = 20;

/** The oldest version with GUIDs in it, which the protocol needs. */
export const OLDEST_INDEX_VERSION = 10;
export const NEWEST_INDEX_VERSION = 20;
/** Enough for the header of any version. */
export const LARGEST_HEADER_OCTETS = 192;

const seconds = (offset: number): TimeField => ({ offset, unit: 'seconds' });
const nanoseconds = (offset: number): TimeField => ({ offset, unit: 'nanoseconds' });

const HEADER_10: HeaderLayout = {
  lastAppenddate: seconds(24),
  lastUid: 28,
  pop3LastLogin: seconds(40),
  uidvalidity: 44,
  exists: undefined,
  options: 60,
  highestmodseq: 68,
  deletedmodseq: undefined,
  crcBasic: undefined,
  recentuid: undefined,
  recenttime: undefined,
  pop3ShowAfter: undefined,
  crcAnnotations: undefined,
  createdmodseq: undefined,
  headerCrc: undefined,
  size: 96,
};

const HEADER_12: HeaderLayout = {
  ...HEADER_10,
  exists: 84,
  deletedmodseq: 76,
  crcBasic: 100,
  recentuid: 104,
  recenttime: seconds(108),
  headerCrc: 124,
  size: 128,
};

const HEADER_13: HeaderLayout = { ...HEADER_12, pop3ShowAfter: seconds(112), crcAnnotations: 120 };
const HEADER_14: HeaderLayout = { ...HEADER_13, headerCrc: 156, size: 160 };
const HEADER_16: HeaderLayout = { ...HEADER_14, createdmodseq: 128 };

const HEADER_19: HeaderLayout = {
  ...HEADER_16,
  exists: 60,
  options: 64,
  highestmodseq: 72,
  deletedmodseq: 80,
};

const HEADER_20: HeaderLayout = {
  ...HEADER_19,
  lastAppenddate: nanoseconds(24),
  pop3LastLogin: nanoseconds(40),
  lastUid: 88,
  uidvalidity: 92,
  recenttime: nanoseconds(104),
  pop3ShowAfter: nanoseconds(112),
  recentuid: 184,
  headerCrc: 188,
  size: 192,
};

const RECORD_10: RecordLayout = {
  internaldate: seconds(4),
  size: { offset: 12, octets: 4 },
  lastUpdated: seconds(28),
  flags: 32,
  userFlags: 36,
  savedate: undefined,
  guid: 60,
  modseq: 80,
  cid: undefined,
  createdmodseq: undefined,
  basecid: undefined,
  recordCrc: undefined,
  octets: 88,
};

const RECORD_12: RecordLayout = { ...RECORD_10, recordCrc: 92, octets: 96 };
const RECORD_13: RecordLayout = { ...RECORD_10, cid: 88, recordCrc: 100, octets: 104 };
const RECORD_15: RecordLayout = { ...RECORD_13, savedate: seconds(52) };
const RECORD_16: RecordLayout = { ...RECORD_15, createdmodseq: 96, recordCrc: 108, octets: 112 };

const RECORD_20: RecordLayout = {
  internaldate: nanoseconds(8),
  size: { offset: 24, octets: 8 },
  lastUpdated: nanoseconds(112),
  flags: 36,
  userFlags: 40,
  savedate: nanoseconds(120),
  guid: 60,
  modseq: 80,
  cid: 88,
  createdmodseq: 96,
  basecid: 128,
  recordCrc: 140,
  octets: 144,
};

const LAYOUTS: Readonly<Record<number, readonly [HeaderLayout, RecordLayout]>> = {
  10: [HEADER_10, RECORD_10],
  12: [HEADER_12, RECORD_12],
  13: [HEADER_13, RECORD_13],
  14: [HEADER_14, RECORD_13],
  15: [HEADER_14, RECORD_15],
  16: [HEADER_16, RECORD_16],
  17: [HEADER_16, RECORD_16],
  18: [HEADER_16, RECORD_16],
  19: [HEADER_19, RECORD_16],
  20: [HEADER_20, RECORD_20],
};

/** undefined: no version of Cyrus that speaks this protocol writes it. */
export function headerLayout(version: number): HeaderLayout | undefined {
  return LAYOUTS[version]?.[0];
}

/** A development version left files behind that say 19 and have records of version 20; the size gives them away. */
export function recordLayout(version: number, recordSize: number): RecordLayout | undefined {
  if (version === 19 && recordSize === RECORD_20.octets) return RECORD_20;
  return LAYOUTS[version]?.[1];
}
