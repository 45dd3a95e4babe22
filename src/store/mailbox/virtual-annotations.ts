import type { ByteString } from '../../byte-string.ts';
import { readU64 } from '../files/read-u64.ts';
import type { Annotation } from '../master-store.ts';
import { readTime } from './index-header.ts';
import type { RecordLayout } from './index-layouts.ts';

/**
 * Fields of an index record that travel as annotations (store 7). Which ones follows from the layout, since a
 * version that has the field also sends it.
 */
const PREFIX = '/vendor/cmu/cyrus-imapd/';
export const THRID: ByteString = `${PREFIX}thrid`;
export const SAVEDATE: ByteString = `${PREFIX}savedate`;
export const CREATEDMODSEQ: ByteString = `${PREFIX}createdmodseq`;
export const BASETHRID: ByteString = `${PREFIX}basethrid`;
export const INTERNALDATE_NSEC: ByteString = `${PREFIX}internaldate.nsec`;

const NANOSECONDS_PER_SECOND = 1_000_000_000n;

/** Reads them in wire order: that of 3.6, or from index version 20 that of the Cyrus releases that write it. */
export function virtualAnnotations(octets: Buffer, at: number, layout: RecordLayout): Annotation[] {
  const thrid = idText(octets, at, layout.cid);
  const savedate = layout.savedate === undefined ? 0 : readTime(octets, shifted(layout.savedate, at));
  const created = layout.createdmodseq === undefined ? 0 : readU64(octets, at + layout.createdmodseq);
  const found: Annotation[] = [];
  if (layout.basecid === undefined) {
    add(found, THRID, thrid);
    add(found, SAVEDATE, decimalText(savedate));
    add(found, CREATEDMODSEQ, decimalText(created));
    return found;
  }
  const nanoseconds = octets.readBigUInt64BE(at + layout.internaldate.offset) % NANOSECONDS_PER_SECOND;
  add(found, INTERNALDATE_NSEC, decimalText(Number(nanoseconds)));
  add(found, BASETHRID, idText(octets, at, layout.basecid));
  add(found, CREATEDMODSEQ, decimalText(created));
  add(found, SAVEDATE, decimalText(savedate));
  add(found, THRID, thrid);
  return found;
}

function shifted<T extends { offset: number }>(field: T, at: number): T {
  return { ...field, offset: field.offset + at };
}

function add(list: Annotation[], entry: ByteString, value: ByteString | undefined): void {
  if (value !== undefined) list.push({ entry, userid: '', modseq: 0, value });
}

function decimalText(value: number): ByteString | undefined {
  return value === 0 ? undefined : String(value);
}

/** 16 hex digits. */
function idText(octets: Buffer, at: number, offset: number | undefined): ByteString | undefined {
  if (offset === undefined) return undefined;
  const text = octets.toString('hex', at + offset, at + offset + 8);
  return text === '0000000000000000' ? undefined : text;
}
