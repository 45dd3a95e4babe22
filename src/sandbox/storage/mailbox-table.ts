import type { ByteString } from '../../byte-string.ts';
import { EMPTY_CRC_ANNOTATIONS, EMPTY_CRC_BASIC, recordCrc } from './checksums.ts';
import type { MessageTable } from './message-table.ts';
import type { AnnotationRow, MailboxRow, RecordRow } from './rows.ts';
import { isIntermediate } from './rows.ts';
import type { Table } from './tables.ts';

type PackedAnnotation = [entry: ByteString, userid: ByteString, modseq: number, value: ByteString];

/** Arrays, because the names of nine fields would double the size of every record on disk. */
type PackedRecord = [
  modseq: number,
  lastUpdated: number,
  flags: ByteString[],
  internaldate: number,
  size: number,
  guid: string,
  annotations: PackedAnnotation[],
  unlinked: boolean,
];

/** Sorts right after the separator of names in keys, so that it ends the range of a subtree. */
const SEPARATOR = '\x1f';
const AFTER_SEPARATOR = '\x20';

/**
 * Mailboxes and their records. Keeps three things true by itself: a mailbox's CRCs are those of its records; every
 * record that is not unlinked holds its message; the uniqueid table names exactly the mailboxes that exist.
 */
export class MailboxTable {
  readonly #mailboxes: Table<MailboxRow>;
  readonly #uniqueids: Table<ByteString>;
  readonly #latest: Table<ByteString>;
  readonly #records: Table<PackedRecord>;
  readonly #counters: Table<number>;
  readonly #messages: MessageTable;

  constructor(
    mailboxes: Table<MailboxRow>,
    uniqueids: Table<ByteString>,
    latest: Table<ByteString>,
    records: Table<PackedRecord>,
    counters: Table<number>,
    messages: MessageTable,
  ) {
    this.#mailboxes = mailboxes;
    this.#uniqueids = uniqueids;
    this.#latest = latest;
    this.#records = records;
    this.#counters = counters;
    this.#messages = messages;
  }

  get(name: ByteString): MailboxRow | undefined {
    return this.#mailboxes.get(keyOf(name));
  }

  byUniqueid(uniqueid: ByteString): MailboxRow | undefined {
    const name = this.#uniqueids.get(uniqueid);
    return name === undefined ? undefined : this.get(name);
  }

  /** `root` itself if it is a mailbox, then all below it, parents before children. */
  *tree(root: ByteString): Generator<MailboxRow> {
    const own = this.get(root);
    if (own !== undefined) yield own;
    yield* this.below(root);
  }

  *below(root: ByteString): Generator<MailboxRow> {
    const key = keyOf(root);
    const range = { start: key + SEPARATOR, end: key + AFTER_SEPARATOR };
    for (const { value } of this.#mailboxes.getRange(range)) yield value;
  }

  *all(): Generator<MailboxRow> {
    for (const { value } of this.#mailboxes.getRange()) yield value;
  }

  /** A new row without records in place of whatever has its name. The uniqueid must be free or of the same name. */
  create(fields: Omit<MailboxRow, 'id' | 'crcBasic' | 'crcAnnotations'>): MailboxRow {
    const old = this.get(fields.name);
    if (old !== undefined) this.remove(old);
    const id = (this.#counters.get('mailbox') ?? 0) + 1;
    this.#counters.putSync('mailbox', id);
    const row = { ...fields, id, crcBasic: EMPTY_CRC_BASIC, crcAnnotations: EMPTY_CRC_ANNOTATIONS };
    this.put(row);
    return row;
  }

  /** Stores changed fields of a mailbox that exists under the row's name. */
  put(row: MailboxRow): void {
    this.#mailboxes.putSync(keyOf(row.name), row);
    this.#uniqueids.putSync(row.uniqueid, row.name);
    this.#latest.putSync(keyOf(row.name), row.uniqueid);
  }

  /** The uniqueid of the latest row of this name, whether it still is there or not: the real server keeps a tombstone. */
  latestUniqueid(name: ByteString): ByteString | undefined {
    return this.#latest.get(keyOf(name));
  }

  rename(row: MailboxRow, name: ByteString): MailboxRow {
    this.#mailboxes.removeSync(keyOf(row.name));
    const renamed = { ...row, name };
    this.put(renamed);
    return renamed;
  }

  remove(row: MailboxRow): void {
    for (const record of [...this.records(row.id)]) {
      this.#records.removeSync([row.id, record.uid]);
      if (!record.unlinked) this.#messages.release(record.guid, row.id, record.uid);
    }
    this.#mailboxes.removeSync(keyOf(row.name));
    if (this.#uniqueids.get(row.uniqueid) === row.name) this.#uniqueids.removeSync(row.uniqueid);
  }

  /** Rows without storage above `name` that have nothing below them any more. */
  removeIdleAncestors(ancestors: Iterable<ByteString>): void {
    for (const ancestor of ancestors) {
      const row = this.get(ancestor);
      if (row === undefined || !isIntermediate(row)) continue;
      if (this.below(ancestor).next().done !== true) continue;
      this.remove(row);
    }
  }

  record(id: number, uid: number): RecordRow | undefined {
    const packed = this.#records.get([id, uid]);
    return packed === undefined ? undefined : unpack(uid, packed);
  }

  highestUid(id: number): number {
    const range = { start: [id, Number.MAX_SAFE_INTEGER], end: [id, 0], reverse: true, limit: 1 };
    for (const key of this.#records.getKeys(range)) {
      if (Array.isArray(key) && typeof key[1] === 'number') return key[1];
    }
    return 0;
  }

  /** In UID order, as they were when the iteration began. */
  *records(id: number): Generator<RecordRow> {
    const range = { start: [id, 0], end: [id, Number.MAX_SAFE_INTEGER] };
    for (const { key, value } of this.#records.getRange(range)) {
      if (Array.isArray(key) && typeof key[1] === 'number') yield unpack(key[1], value);
    }
  }

  /** Writes a record in place of `old` and moves the CRCs in `row`, which the caller stores. */
  putRecord(row: MailboxRow, record: RecordRow, old: RecordRow | undefined): void {
    this.#records.putSync([row.id, record.uid], pack(record));
    if (old !== undefined) addToCrc(row, old);
    addToCrc(row, record);
    if (old === undefined && !record.unlinked) this.#messages.hold(record.guid, row.id, record.uid);
  }
}

function keyOf(name: ByteString): ByteString {
  return name.replaceAll('.', SEPARATOR);
}

/** XOR takes out what it put in. */
function addToCrc(row: MailboxRow, record: RecordRow): void {
  const { basic, annotations } = recordCrc(record);
  row.crcBasic = (row.crcBasic ^ basic) >>> 0;
  row.crcAnnotations = (row.crcAnnotations ^ annotations) >>> 0;
}

function pack(record: RecordRow): PackedRecord {
  const annotations = record.annotations.map(
    ({ entry, userid, modseq, value }): PackedAnnotation => [entry, userid, modseq, value],
  );
  const { modseq, lastUpdated, flags, internaldate, size, guid, unlinked } = record;
  return [modseq, lastUpdated, flags, internaldate, size, guid, annotations, unlinked];
}

function unpack(uid: number, packed: PackedRecord): RecordRow {
  const [modseq, lastUpdated, flags, internaldate, size, guid, packedAnnotations, unlinked] = packed;
  const annotations = packedAnnotations.map(
    ([entry, userid, annotationModseq, value]): AnnotationRow => ({
      entry,
      userid,
      modseq: annotationModseq,
      value,
    }),
  );
  return { uid, modseq, lastUpdated, flags, internaldate, size, guid, annotations, unlinked };
}
