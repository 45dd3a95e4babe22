import { crc32 } from 'node:zlib';
import type { ByteString } from '../../byte-string.ts';
import { FLAG } from '../../grammar.ts';
import { readU64 } from '../files/read-u64.ts';
import { mailboxDamaged } from '../files/store-errors.ts';
import type { Annotation, IndexRecord, RecordPage } from '../master-store.ts';
import { type IndexHeader, readTime } from './index-header.ts';
import { GUID_OCTETS, RECORD_UID, type TimeField } from './index-layouts.ts';
import { FLAG_ARCHIVED, FLAG_EXPUNGED, FLAG_UNLINKED, wireFlags } from './record-flags.ts';
import { virtualAnnotations } from './virtual-annotations.ts';

/** The context that all pages of one mailbox share. */
export interface RecordContext {
  path: string;
  mailbox: ByteString;
  header: IndexHeader;
  userFlags: readonly (ByteString | null)[];
  /** User flags that no Cyrus takes as a flag: a record that has one cannot be replicated. */
  unusableFlags: ReadonlySet<ByteString>;
  /** Stored annotations of a message, wire order. */
  annotationsOf(uid: number, nextUids: () => Iterable<number>): Annotation[];
}

/** Records straight from the octets of one read; nothing is decoded before it is asked for. */
export class IndexPage implements RecordPage {
  readonly count: number;
  readonly #octets: Buffer;
  readonly #context: RecordContext;
  readonly #recordSize: number;

  /**
   * @param octets whole records
   * @param fromUid records with a lower UID are left out
   * @param previousUid the last UID before this page
   * @throws SyncError MAILBOX_DAMAGED if the UIDs do not ascend
   */
  constructor(octets: Buffer, context: RecordContext, fromUid: number, previousUid: number) {
    this.#recordSize = context.header.recordSize;
    this.#context = context;
    this.#octets = onlyFrom(octets, this.#recordSize, fromUid);
    this.count = this.#octets.length / this.#recordSize;
    let last = previousUid;
    for (let i = 0; i < this.count; i++) {
      const uid = this.uid(i);
      if (uid <= last) throw this.#damaged(`expected a UID above ${last}, found ${uid}`);
      last = uid;
    }
  }

  uid(i: number): number {
    return this.#octets.readUInt32BE(i * this.#recordSize + RECORD_UID);
  }

  modseq(i: number): number {
    const modseq = readU64(this.#octets, i * this.#recordSize + this.#context.header.layout.modseq);
    if (!Number.isSafeInteger(modseq)) throw this.#damaged(`modseq of UID ${this.uid(i)} is out of range`);
    return modseq;
  }

  guidIsNull(i: number): boolean {
    const at = i * this.#recordSize + this.#context.header.layout.guid;
    for (let offset = at; offset < at + GUID_OCTETS; offset += 4) {
      if (this.#octets.readUInt32BE(offset) !== 0) return false;
    }
    return true;
  }

  guid(i: number): string {
    const at = i * this.#recordSize + this.#context.header.layout.guid;
    return this.#octets.toString('hex', at, at + GUID_OCTETS);
  }

  size(i: number): number {
    const { offset, octets } = this.#context.header.layout.size;
    const at = i * this.#recordSize + offset;
    return octets === 4 ? this.#octets.readUInt32BE(at) : readU64(this.#octets, at);
  }

  expunged(i: number): boolean {
    return (this.#flags(i) & FLAG_EXPUNGED) !== 0;
  }

  unlinked(i: number): boolean {
    return (this.#flags(i) & FLAG_UNLINKED) !== 0;
  }

  archived(i: number): boolean {
    return (this.#flags(i) & FLAG_ARCHIVED) !== 0;
  }

  record(i: number): IndexRecord {
    const at = i * this.#recordSize;
    const { layout } = this.#context.header;
    if (layout.recordCrc !== undefined) this.#checkCrc(i, at, layout.recordCrc);
    const uid = this.uid(i);
    const flags = this.#flags(i);
    const names = wireFlags(flags, this.#octets, at + layout.userFlags, this.#context.userFlags);
    if (this.#context.unusableFlags.size > 0) this.#checkFlags(uid, names);
    return {
      uid,
      modseq: this.modseq(i),
      lastUpdated: this.#sound('LAST_UPDATED', uid, this.#time(at, layout.lastUpdated)),
      flags: names,
      internaldate: this.#sound('INTERNALDATE', uid, this.#time(at, layout.internaldate)),
      size: this.#sound('SIZE', uid, this.size(i)),
      guid: this.guid(i),
      annotations: [
        ...this.#context.annotationsOf(uid, () => this.#uidsAfter(i)),
        ...virtualAnnotations(this.#octets, at, layout),
      ],
      unlinked: (flags & FLAG_UNLINKED) !== 0,
      archived: (flags & FLAG_ARCHIVED) !== 0,
    };
  }

  *#uidsAfter(i: number): Generator<number> {
    for (let next = i + 1; next < this.count; next++) yield this.uid(next);
  }

  #flags(i: number): number {
    return this.#octets.readUInt32BE(i * this.#recordSize + this.#context.header.layout.flags);
  }

  #time(at: number, field: TimeField): number {
    return readTime(this.#octets, { offset: at + field.offset, unit: field.unit });
  }

  #checkCrc(i: number, at: number, offset: number): void {
    const stored = this.#octets.readUInt32BE(at + offset);
    const computed = crc32(this.#octets.subarray(at, at + offset));
    if (stored !== computed) {
      throw this.#damaged(`expected CRC ${computed} in the record of UID ${this.uid(i)}, found ${stored}`);
    }
  }

  /** The wire has no way to say any other number: it would break off in the middle of a command. */
  #sound(field: string, uid: number, value: number): number {
    if (value >= 0 && Number.isSafeInteger(value)) return value;
    throw this.#damaged(`${field} of UID ${uid} is out of range: ${value}`);
  }

  #checkFlags(uid: number, flags: readonly ByteString[]): void {
    const flag = flags.find((name) => this.#context.unusableFlags.has(name));
    if (flag === undefined) return;
    const found = JSON.stringify(flag.slice(0, 80));
    throw this.#damaged(`UID ${uid} has a flag that cyrus.header names ${found}: expected ${FLAG.what}`);
  }

  #damaged(finding: string) {
    return mailboxDamaged(this.#context.path, finding, this.#context.mailbox);
  }
}

/** Always leaves out UID 0: such a record was never completed, and Cyrus passes over it. */
function onlyFrom(octets: Buffer, recordSize: number, fromUid: number): Buffer {
  const lowest = Math.max(1, fromUid);
  const sound: Buffer[] = [];
  let start = 0;
  for (let at = 0; at < octets.length; at += recordSize) {
    if (octets.readUInt32BE(at + RECORD_UID) >= lowest) continue;
    sound.push(octets.subarray(start, at));
    start = at + recordSize;
  }
  return start === 0 ? octets : Buffer.concat([...sound, octets.subarray(start)]);
}
