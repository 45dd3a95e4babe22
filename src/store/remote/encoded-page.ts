import type { ByteString } from '../../byte-string.ts';
import type { WireRecord } from '../../protocol/replica-session.ts';
import type { Annotation, IndexRecord, RecordPage } from '../master-store.ts';

/*
 * One record: its length, then fields of a fixed size, then its strings, each behind its length.
 *
 *    0 length of all    4 UID    8 flags below    9 count of flags    11 count of annotations    13 MODSEQ
 *   21 LAST_UPDATED    29 INTERNALDATE    37 SIZE    45 GUID, 20 octets    65 strings
 */
const UID_AT = 4;
const BITS_AT = 8;
const FLAGS_AT = 9;
const ANNOTATIONS_AT = 11;
const MODSEQ_AT = 13;
const LAST_UPDATED_AT = 21;
const INTERNALDATE_AT = 29;
const SIZE_AT = 37;
const GUID_AT = 45;
const STRINGS_AT = 65;
const GUID_OCTETS = STRINGS_AT - GUID_AT;

const EXPUNGED = 1;

export function encodeRecord(record: WireRecord): Buffer {
  const { flags, annotations } = record;
  const strings = annotations.flatMap(({ entry, userid, value }) => [entry, userid, value]);
  const sizes = [...flags, ...strings].reduce((sum, text) => sum + 4 + text.length, 0);
  const octets = Buffer.allocUnsafe(STRINGS_AT + sizes + 8 * annotations.length);
  octets.writeUInt32BE(octets.length, 0);
  octets.writeUInt32BE(record.uid, UID_AT);
  octets.writeUInt8(flags.includes('\\Expunged') ? EXPUNGED : 0, BITS_AT);
  octets.writeUInt16BE(flags.length, FLAGS_AT);
  octets.writeUInt16BE(annotations.length, ANNOTATIONS_AT);
  octets.writeDoubleBE(record.modseq, MODSEQ_AT);
  octets.writeDoubleBE(record.lastUpdated, LAST_UPDATED_AT);
  octets.writeDoubleBE(record.internaldate, INTERNALDATE_AT);
  octets.writeDoubleBE(record.size, SIZE_AT);
  octets.write(record.guid, GUID_AT, GUID_OCTETS, 'hex');
  let at = STRINGS_AT;
  const put = (text: ByteString): void => {
    at = octets.writeUInt32BE(text.length, at);
    at += octets.write(text, at, 'latin1');
  };
  for (const flag of flags) put(flag);
  for (const { entry, userid, modseq, value } of annotations) {
    at = octets.writeDoubleBE(modseq, at);
    for (const text of [entry, userid, value]) put(text);
  }
  return octets;
}

export function recordUid(octets: Buffer): number {
  return octets.readUInt32BE(UID_AT);
}

/** Records as they were encoded, one behind the other; nothing is decoded before it is asked for. */
export class EncodedPage implements RecordPage {
  readonly #octets: Buffer;
  /** Where each record begins. */
  readonly #starts: number[] = [];

  /** @param fromUid records with a lower UID are left out */
  constructor(octets: Buffer, fromUid: number) {
    this.#octets = octets;
    for (let at = 0; at < octets.length; at += octets.readUInt32BE(at)) {
      if (octets.readUInt32BE(at + UID_AT) >= fromUid) this.#starts.push(at);
    }
  }

  get count(): number {
    return this.#starts.length;
  }

  uid(i: number): number {
    return this.#octets.readUInt32BE(this.#at(i, UID_AT));
  }

  modseq(i: number): number {
    return this.#octets.readDoubleBE(this.#at(i, MODSEQ_AT));
  }

  guidIsNull(i: number): boolean {
    return /^0+$/.test(this.guid(i));
  }

  guid(i: number): string {
    const at = this.#at(i, GUID_AT);
    return this.#octets.toString('hex', at, at + GUID_OCTETS);
  }

  size(i: number): number {
    return this.#octets.readDoubleBE(this.#at(i, SIZE_AT));
  }

  expunged(i: number): boolean {
    return (this.#octets.readUInt8(this.#at(i, BITS_AT)) & EXPUNGED) !== 0;
  }

  /** No server tells. Who needs the message of an expunged record finds out that it is gone. */
  unlinked(): boolean {
    return false;
  }

  archived(): boolean {
    return false;
  }

  record(i: number): IndexRecord {
    const octets = this.#octets;
    const flagCount = octets.readUInt16BE(this.#at(i, FLAGS_AT));
    const annotationCount = octets.readUInt16BE(this.#at(i, ANNOTATIONS_AT));
    let at = this.#at(i, STRINGS_AT);
    const take = (): ByteString => {
      const from = at + 4;
      at = from + octets.readUInt32BE(at);
      return octets.toString('latin1', from, at);
    };
    const flags = Array.from({ length: flagCount }, take);
    const annotations = Array.from({ length: annotationCount }, (): Annotation => {
      const modseq = octets.readDoubleBE(at);
      at += 8;
      return { entry: take(), userid: take(), modseq, value: take() };
    });
    return {
      uid: this.uid(i),
      modseq: this.modseq(i),
      lastUpdated: octets.readDoubleBE(this.#at(i, LAST_UPDATED_AT)),
      flags,
      internaldate: octets.readDoubleBE(this.#at(i, INTERNALDATE_AT)),
      size: this.size(i),
      guid: this.guid(i),
      annotations,
      unlinked: false,
      archived: false,
    };
  }

  #at(i: number, field: number): number {
    const start = this.#starts[i];
    if (start === undefined) throw new RangeError(`no record ${i} on this page`);
    return start + field;
  }
}
