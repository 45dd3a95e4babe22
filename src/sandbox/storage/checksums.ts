import { crc32 } from 'node:zlib';
import type { ByteString } from '../../byte-string.ts';
import { type AnnotationRow, isExpunged, type RecordRow } from './rows.ts';

/** Sync CRCs of a mailbox (protocol 13): CRC-32 of each live record's text, combined with XOR. */

export const EMPTY_CRC_BASIC = 0;
export const EMPTY_CRC_ANNOTATIONS = 12345678;

const VIRTUAL_PREFIX = '/vendor/cmu/cyrus-imapd/';
const VIRTUAL_ENTRIES = ['thrid', 'savedate', 'createdmodseq'] as const;

export interface CrcPair {
  basic: number;
  annotations: number;
}

/** The share of one record in the checksum: XOR it in when the record comes, and once more when it goes. */
export function recordCrc(record: RecordRow): CrcPair {
  if (isExpunged(record)) return { basic: 0, annotations: 0 };
  let flags = 0;
  for (const flag of record.flags) flags ^= flagCrc(flag);
  const { uid, modseq, lastUpdated, internaldate, guid } = record;
  const basic = octetsCrc(`${uid} ${modseq} ${lastUpdated} (${flags >>> 0}) ${internaldate} ${guid}`);
  let annotations = 0;
  for (const each of record.annotations) annotations ^= annotationCrc(uid, each);
  return { basic, annotations: annotations >>> 0 };
}

/** From scratch; what a mailbox's row must hold at any time. */
export function mailboxCrc(records: Iterable<RecordRow>): CrcPair {
  let basic = EMPTY_CRC_BASIC;
  let annotations = EMPTY_CRC_ANNOTATIONS;
  for (const record of records) {
    const one = recordCrc(record);
    basic ^= one.basic;
    annotations ^= one.annotations;
  }
  return { basic: basic >>> 0, annotations: annotations >>> 0 };
}

/** 0 on either side means `do not compare`, per half. */
export function crcEqual(one: CrcPair, other: CrcPair): boolean {
  return (
    (one.basic === 0 || other.basic === 0 || one.basic === other.basic) &&
    (one.annotations === 0 || other.annotations === 0 || one.annotations === other.annotations)
  );
}

/** Name within the virtual annotations that Cyrus keeps in the index record, or undefined for a real one. */
export function virtualName(entry: ByteString): (typeof VIRTUAL_ENTRIES)[number] | undefined {
  if (!entry.startsWith(VIRTUAL_PREFIX)) return undefined;
  const name = entry.slice(VIRTUAL_PREFIX.length);
  return VIRTUAL_ENTRIES.find((each) => each === name);
}

/** Order on the wire: real ones by entry, userid, value; then the virtual ones (protocol 7.5). */
export function compareAnnotations(a: AnnotationRow, b: AnnotationRow): number {
  const rank = virtualRank(a.entry) - virtualRank(b.entry);
  if (rank !== 0) return rank;
  for (const key of ['entry', 'userid', 'value'] as const) {
    if (a[key] !== b[key]) return a[key] < b[key] ? -1 : 1;
  }
  return 0;
}

function virtualRank(entry: ByteString): number {
  const name = virtualName(entry);
  return name === undefined ? -1 : VIRTUAL_ENTRIES.indexOf(name);
}

function annotationCrc(uid: number, { entry, userid, value }: AnnotationRow): number {
  const name = virtualName(entry);
  if (name === undefined) return octetsCrc(`${uid} ${entry} ${userid} ${value}`);
  // On the wire a conversation id has 16 digits, in the CRC no leading zeros; a zero id counts for nothing.
  const text = name === 'thrid' ? value.replace(/^0+/, '') : value;
  return text === '' || text === '0' ? 0 : octetsCrc(`${uid} ${entry}  ${text}`);
}

/** Mailboxes use a handful of flags on many messages. Bounded, since user flags are the users' own words. */
const flagCrcs = new Map<ByteString, number>();
const MAX_FLAG_CRCS = 10_000;

function flagCrc(flag: ByteString): number {
  let crc = flagCrcs.get(flag);
  if (crc === undefined) {
    crc = octetsCrc(flag.replace(/[A-Z]/g, (letter) => letter.toLowerCase()));
    if (flagCrcs.size >= MAX_FLAG_CRCS) flagCrcs.clear();
    flagCrcs.set(flag, crc);
  }
  return crc;
}

function octetsCrc(text: ByteString): number {
  return crc32(Buffer.from(text, 'latin1'));
}
