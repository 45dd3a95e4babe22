import type { ByteString } from '../../byte-string.ts';
import { encodeFlags, encodeGuid, encodeNumber, encodeString } from '../dlist/encode.ts';
import { RECORD_PIECE_OCTETS } from '../limits.ts';
import type { WireAnnotation, WireMailbox, WireRecord } from '../replica-session.ts';

/**
 * The argument of APPLY MAILBOX, octet for octet as the C client sends it (protocol 9.1, 10.3), in pieces of about
 * RECORD_PIECE_OCTETS: records are read from the iterable as they are sent.
 */
export function* encodeMailbox(mailbox: WireMailbox, records: Iterable<WireRecord>): Generator<ByteString> {
  const keyword = mailbox.local ? 'LOCAL_MAILBOX' : 'MAILBOX';
  if (mailbox.intermediate) {
    yield `${keyword} ${encodeIntermediate(mailbox)}`;
    return;
  }
  let piece = `${keyword} ${encodeHead(mailbox)} RECORD (`;
  let first = true;
  for (const record of records) {
    piece += first ? encodeRecord(record) : ` ${encodeRecord(record)}`;
    first = false;
    if (piece.length >= RECORD_PIECE_OCTETS) {
      yield piece;
      piece = '';
    }
  }
  yield `${piece}))`;
}

function encodeIntermediate(mailbox: WireMailbox): ByteString {
  const foldermodseq = encodeNumber(mailbox.foldermodseq);
  return (
    `%(UNIQUEID ${encodeString(mailbox.uniqueid)} MBOXNAME ${encodeString(mailbox.name)}` +
    ` MBOXTYPE ${encodeString(mailbox.type)} HIGHESTMODSEQ ${foldermodseq}` +
    ` CREATEDMODSEQ ${encodeNumber(mailbox.createdmodseq)} FOLDERMODSEQ ${foldermodseq})`
  );
}

/** Everything in front of RECORD. Numbers that may be absent are absent when 0. */
function encodeHead(mailbox: WireMailbox): ByteString {
  const { crcAnnotations, since, quotaroot, type, annotations } = mailbox;
  let text = `%(UNIQUEID ${encodeString(mailbox.uniqueid)} MBOXNAME ${encodeString(mailbox.name)}`;
  if (type !== '') text += ` MBOXTYPE ${encodeString(type)}`;
  text += ` SYNC_CRC ${encodeNumber(mailbox.crcBasic)}`;
  if (crcAnnotations !== undefined) text += ` SYNC_CRC_ANNOT ${encodeNumber(crcAnnotations)}`;
  text +=
    ` LAST_UID ${encodeNumber(mailbox.lastUid)} HIGHESTMODSEQ ${encodeNumber(mailbox.highestmodseq)}` +
    ` RECENTUID ${encodeNumber(mailbox.recentuid)} RECENTTIME ${encodeNumber(mailbox.recenttime)}` +
    ` LAST_APPENDDATE ${encodeNumber(mailbox.lastAppenddate)}` +
    ` POP3_LAST_LOGIN ${encodeNumber(mailbox.pop3LastLogin)} POP3_SHOW_AFTER ${encodeNumber(mailbox.pop3ShowAfter)}`;
  text += unlessZero('XCONVMODSEQ', mailbox.xconvmodseq) + unlessZero('RACLMODSEQ', mailbox.raclmodseq);
  text +=
    ` UIDVALIDITY ${encodeNumber(mailbox.uidvalidity)} PARTITION ${encodeString(mailbox.partition ?? null)}` +
    ` ACL ${encodeString(mailbox.acl)} OPTIONS ${encodeString(mailbox.options)}`;
  if (quotaroot !== undefined) text += ` QUOTAROOT ${encodeString(quotaroot)}`;
  text +=
    unlessZero('CREATEDMODSEQ', mailbox.createdmodseq) + unlessZero('FOLDERMODSEQ', mailbox.foldermodseq);
  if (annotations.length > 0) text += ` ANNOTATIONS ${encodeAnnotations(annotations)}`;
  if (since !== undefined) {
    text +=
      ` SINCE_MODSEQ ${encodeNumber(since.modseq)} SINCE_CRC ${encodeNumber(since.crcBasic)}` +
      ` SINCE_CRC_ANNOT ${encodeNumber(since.crcAnnotations)}`;
  }
  return text;
}

/** The fields of one record, in Cyrus's order (protocol 9.2). */
export function encodeRecord(record: WireRecord): ByteString {
  const { annotations } = record;
  const text =
    `%(UID ${encodeNumber(record.uid)} MODSEQ ${encodeNumber(record.modseq)}` +
    ` LAST_UPDATED ${encodeNumber(record.lastUpdated)} FLAGS ${encodeFlags(record.flags)}` +
    ` INTERNALDATE ${encodeNumber(record.internaldate)} SIZE ${encodeNumber(record.size)} GUID ${encodeGuid(record.guid)}`;
  return annotations.length === 0 ? `${text})` : `${text} ANNOTATIONS ${encodeAnnotations(annotations)})`;
}

function encodeAnnotations(annotations: readonly WireAnnotation[]): ByteString {
  let text = '';
  for (const { entry, userid, modseq, value } of annotations) {
    text +=
      `${text === '' ? '(' : ' '}%(ENTRY ${encodeString(entry)} USERID ${encodeString(userid)}` +
      ` MODSEQ ${encodeNumber(modseq)} VALUE ${encodeString(value)})`;
  }
  return `${text})`;
}

function unlessZero(key: string, value: number): ByteString {
  return value === 0 ? '' : ` ${key} ${encodeNumber(value)}`;
}
