import { type ByteString, compareBytes } from '../../byte-string.ts';
import { decimal } from '../files/parse-disk-dlist.ts';
import type { Annotation } from '../master-store.ts';

/** Keys and values of annotations.db and cyrus.annotations (store 7). */
export interface AnnotationKey {
  /** Decimal UID, uniqueid (internal name up to Cyrus 3.4), or '' for the server. */
  scope: ByteString;
  entry: ByteString;
  userid: ByteString;
}

/** Stands for the owner of the mailbox, so that a rename of the user needs no rewriting. */
const OWNER_TOKEN = '[.OwNeR.]';

/** The length field is a C `unsigned long` that was stored after htonl: only its first four octets count. */
const LENGTH_OCTETS = 8;
const OBSOLETE_OCTETS = 8;
const MODSEQ_OCTETS = 8;
const FLAG_TOMBSTONE = 1;

/** @returns undefined for keys without a user part, which no version means anything by */
export function parseAnnotationKey(key: ByteString): AnnotationKey | undefined {
  const scopeEnd = key.indexOf('\0');
  const entryEnd = key.indexOf('\0', scopeEnd + 1);
  if (scopeEnd < 0 || entryEnd < 0) return undefined;
  const useridEnd = key.indexOf('\0', entryEnd + 1);
  return {
    scope: key.slice(0, scopeEnd),
    entry: key.slice(scopeEnd + 1, entryEnd),
    userid: key.slice(entryEnd + 1, useridEnd < 0 ? key.length : useridEnd),
  };
}

/** For people, who have the name of its mailbox from elsewhere. */
export function textOfKey(key: ByteString): string {
  const { scope, entry, userid } = parseAnnotationKey(key) ?? { scope: '', entry: key, userid: '' };
  const message = /^\d+$/.test(scope) ? ` of message ${scope}` : '';
  const whose = userid === OWNER_TOKEN ? 'the owner' : userid;
  return `${entry}${message}${whose === '' ? '' : `, private to ${whose}`}`;
}

/** The caller knows the file. */
export class AnnotationRowError extends Error {
  override readonly name = 'AnnotationRowError';
}

/**
 * @returns undefined for tombstones and for empty values: neither counts as an annotation
 * @throws AnnotationRowError: what is damaged must not be taken for none, or it is removed from the replica
 */
export function parseAnnotationValue(text: ByteString): Pick<Annotation, 'value' | 'modseq'> | undefined {
  const octets = Buffer.from(text, 'latin1');
  if (octets.length === 0) return undefined;
  const end = octets.length < LENGTH_OCTETS ? Number.NaN : LENGTH_OCTETS + octets.readUInt32BE(0);
  if (!(end <= octets.length)) {
    throw new AnnotationRowError(`expected a length and as many octets, found ${octets.length} in all`);
  }
  const value = text.slice(LENGTH_OCTETS, end);
  if (value === '') return undefined;
  // After the value: NUL, content type, NUL, obsolete time, modseq, flags. Old rows end somewhere in between.
  const typeEnd = text.indexOf('\0', end + 1);
  const modseqAt = typeEnd < 0 ? octets.length : typeEnd + 1 + OBSOLETE_OCTETS;
  if (modseqAt + MODSEQ_OCTETS > octets.length) return { value, modseq: 0 };
  const flagsAt = modseqAt + MODSEQ_OCTETS;
  if (flagsAt < octets.length && octets.readUInt8(flagsAt) & FLAG_TOMBSTONE) return undefined;
  return { value, modseq: Number(octets.readBigUInt64BE(modseqAt)) };
}

/** One row as an annotation of a mailbox that `owner` owns. */
export function annotationOf(
  key: ByteString,
  text: ByteString,
  owner: ByteString | undefined,
): (Annotation & { scope: ByteString }) | undefined {
  const parsed = parseAnnotationKey(key);
  const content = parsed === undefined ? undefined : parseAnnotationValue(text);
  if (parsed === undefined || content === undefined) return undefined;
  const userid = parsed.userid === OWNER_TOKEN && owner !== undefined ? owner : parsed.userid;
  return { scope: parsed.scope, entry: parsed.entry, userid, ...content };
}

/** Sorts by entry, user and value; of exact duplicates (owner token and spelled-out owner) the larger modseq stays. */
export function inWireOrder(annotations: Annotation[]): Annotation[] {
  if (annotations.length < 2) return annotations;
  const sorted = [...annotations].sort(
    (a, b) =>
      compareBytes(a.entry, b.entry) || compareBytes(a.userid, b.userid) || compareBytes(a.value, b.value),
  );
  const merged: Annotation[] = [];
  for (const annotation of sorted) {
    const last = merged.at(-1);
    const same =
      last?.entry === annotation.entry &&
      last.userid === annotation.userid &&
      last.value === annotation.value;
    if (last !== undefined && same) last.modseq = Math.max(last.modseq, annotation.modseq);
    else merged.push({ ...annotation });
  }
  return merged;
}

/** The UID in a scope of cyrus.annotations. */
export function uidOfScope(scope: ByteString): number {
  return decimal(scope);
}
