import { crc32 } from 'node:zlib';
import type { ByteString } from '../../byte-string.ts';
import type { Annotation, IndexRecord } from '../master-store.ts';
import { BASETHRID, CREATEDMODSEQ, INTERNALDATE_NSEC, SAVEDATE, THRID } from './virtual-annotations.ts';

/** The annotation CRC starts with this. */
const ANNOTATION_SEED = 12345678;

/** The parts of a record that its checksum is made from, on either side. */
type CheckedRecord = Omit<IndexRecord, 'unlinked' | 'archived' | 'flags' | 'annotations'> & {
  flags: readonly ByteString[];
};

/**
 * SYNC_CRC over all records of a mailbox (store 8): what cyrus.index should have in its header. Expunged
 * records do not count.
 */
export function basicCrc(records: Iterable<CheckedRecord>): number {
  let crc = 0;
  for (const record of records) {
    if (!record.flags.includes('\\Expunged')) crc ^= basicRecordCrc(record);
  }
  return crc >>> 0;
}

function basicRecordCrc(record: CheckedRecord): number {
  let flagCrc = 0;
  for (const flag of record.flags) flagCrc ^= crcOf(asciiLowerCase(flag));
  const { uid, modseq, lastUpdated, internaldate, guid } = record;
  return crcOf(`${uid} ${modseq} ${lastUpdated} (${flagCrc >>> 0}) ${internaldate} ${guid}`);
}

/**
 * SYNC_CRC_ANNOT over all records of a mailbox.
 *
 * @param indexVersion decides which entries are fields of the record, so that stored copies of them do not count
 * @param paddedThrid Cyrus 3.13 and newer write the thread id with leading zeros here, as everybody does on the wire
 */
export function annotationCrc(
  records: Iterable<IndexRecord>,
  indexVersion: number,
  paddedThrid = false,
): number {
  const virtual = virtualEntries(indexVersion);
  let crc = ANNOTATION_SEED;
  for (const record of records) {
    if (record.flags.includes('\\Expunged')) continue;
    for (const annotation of countedOnce(record.annotations, virtual)) {
      crc ^= annotationRecordCrc(record.uid, annotation, virtual, paddedThrid);
    }
  }
  return crc >>> 0;
}

/**
 * Counts both in one pass over the records. Of the two for annotations the first is what releases up to 3.12 count, the
 * second what newer ones do.
 */
export function checksumsOf(
  records: Iterable<IndexRecord>,
  indexVersion: number,
): { crcBasic: number; crcAnnotations: [number, number] } {
  let crcBasic = 0;
  let [plain, padded] = [ANNOTATION_SEED, ANNOTATION_SEED];
  for (const record of records) {
    const one = [record];
    crcBasic ^= basicCrc(one);
    plain ^= annotationCrc(one, indexVersion) ^ ANNOTATION_SEED;
    padded ^= annotationCrc(one, indexVersion, true) ^ ANNOTATION_SEED;
  }
  return { crcBasic: crcBasic >>> 0, crcAnnotations: [plain >>> 0, padded >>> 0] };
}

function annotationRecordCrc(
  uid: number,
  { entry, userid, value }: Annotation,
  virtual: ReadonlySet<ByteString>,
  paddedThrid: boolean,
): number {
  const isId = (entry === THRID || entry === BASETHRID) && virtual.has(entry);
  const text = isId && !paddedThrid ? value.replace(/^0+/, '') : value;
  return crcOf(`${uid} ${entry} ${userid} ${text}`);
}

function virtualEntries(indexVersion: number): ReadonlySet<ByteString> {
  const entries = new Set<ByteString>();
  if (indexVersion >= 13) entries.add(THRID);
  if (indexVersion >= 15) entries.add(SAVEDATE);
  if (indexVersion >= 16) entries.add(CREATEDMODSEQ);
  if (indexVersion >= 20) entries.add(INTERNALDATE_NSEC).add(BASETHRID);
  return entries;
}

/** Virtual annotations follow the stored ones in a record, so of two the last is the field itself. */
function countedOnce(annotations: readonly Annotation[], virtual: ReadonlySet<ByteString>): Annotation[] {
  return annotations.filter(
    (annotation, i) =>
      !virtual.has(annotation.entry) ||
      (annotation.userid === '' &&
        !annotations.slice(i + 1).some((later) => later.entry === annotation.entry)),
  );
}

function crcOf(text: ByteString): number {
  return crc32(Buffer.from(text, 'latin1'));
}

function asciiLowerCase(text: ByteString): ByteString {
  return text.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
}
