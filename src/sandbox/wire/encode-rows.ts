import type { ByteString } from '../../byte-string.ts';
import {
  type Encoded,
  type EncodedField,
  encodeFlags,
  encodeGuid,
  encodeKvlist,
  encodeList,
  encodeNumber,
} from '../../protocol/dlist/encoders.ts';
import { isDeleted } from '../storage/names.ts';
import {
  type AnnotationRow,
  isIntermediate,
  type MailboxRow,
  type QuotaRow,
  type RecordRow,
} from '../storage/rows.ts';
import { answerString } from './answer-string.ts';

/** Rows as the server prints them, fields in the order of 3.6 (protocol 9). */

const UNLIMITED = 4294967295;

/** Everything between `%(` and the last parenthesis, so that records can follow. */
export function encodeMailboxFields(row: MailboxRow, quotaroot: ByteString | undefined): ByteString {
  const fields = isIntermediate(row) ? intermediateFields(row) : mailboxFields(row, quotaroot);
  return encodeKvlist(fields).slice('%('.length, -')'.length);
}

function mailboxFields(row: MailboxRow, quotaroot: ByteString | undefined): EncodedField[] {
  return [
    ['UNIQUEID', answerString(row.uniqueid)],
    ['MBOXNAME', answerString(row.name)],
    ['MBOXTYPE', row.type === '' ? undefined : answerString(row.type)],
    ['SYNC_CRC', encodeNumber(row.crcBasic)],
    ['SYNC_CRC_ANNOT', encodeNumber(row.crcAnnotations)],
    ['LAST_UID', encodeNumber(row.lastUid)],
    ['HIGHESTMODSEQ', encodeNumber(row.highestmodseq)],
    ['RECENTUID', encodeNumber(row.recentuid)],
    ['RECENTTIME', encodeNumber(row.recenttime)],
    ['LAST_APPENDDATE', encodeNumber(row.lastAppenddate)],
    ['POP3_LAST_LOGIN', encodeNumber(row.pop3LastLogin)],
    ['POP3_SHOW_AFTER', encodeNumber(row.pop3ShowAfter)],
    // Deleted mailboxes are in no conversations database.
    ['XCONVMODSEQ', isDeleted(row.name) ? undefined : unlessZero(row.xconvmodseq)],
    ['RACLMODSEQ', unlessZero(row.raclmodseq)],
    ['UIDVALIDITY', encodeNumber(row.uidvalidity)],
    ['PARTITION', answerString(row.partition)],
    ['ACL', answerString(row.acl)],
    ['OPTIONS', answerString(row.options)],
    ['QUOTAROOT', quotaroot === undefined ? undefined : answerString(quotaroot)],
    ['CREATEDMODSEQ', unlessZero(row.createdmodseq)],
    ['FOLDERMODSEQ', unlessZero(row.foldermodseq)],
    ['ANNOTATIONS', encodeAnnotations(row.annotations)],
  ];
}

function intermediateFields(row: MailboxRow): EncodedField[] {
  return [
    ['UNIQUEID', answerString(row.uniqueid)],
    ['MBOXNAME', answerString(row.name)],
    ['MBOXTYPE', answerString(row.type)],
    ['SYNC_CRC', encodeNumber(0)],
    ['LAST_UID', encodeNumber(0)],
    ['HIGHESTMODSEQ', encodeNumber(0)],
    ['RECENTUID', encodeNumber(0)],
    ['RECENTTIME', encodeNumber(0)],
    ['LAST_APPENDDATE', encodeNumber(0)],
    ['POP3_LAST_LOGIN', encodeNumber(0)],
    ['POP3_SHOW_AFTER', encodeNumber(0)],
    ['UIDVALIDITY', encodeNumber(row.uidvalidity)],
    ['PARTITION', answerString(row.partition)],
    ['ACL', answerString(row.acl)],
    ['OPTIONS', answerString(row.options)],
    ['CREATEDMODSEQ', encodeNumber(row.createdmodseq)],
    ['FOLDERMODSEQ', encodeNumber(row.foldermodseq)],
  ];
}

export function encodeRecord(record: RecordRow): ByteString {
  return encodeKvlist([
    ['UID', encodeNumber(record.uid)],
    ['MODSEQ', encodeNumber(record.modseq)],
    ['LAST_UPDATED', encodeNumber(record.lastUpdated)],
    ['FLAGS', encodeFlags(record.flags)],
    ['INTERNALDATE', encodeNumber(record.internaldate)],
    ['SIZE', encodeNumber(record.size)],
    ['GUID', encodeGuid(record.guid)],
    ['ANNOTATIONS', encodeAnnotations(record.annotations)],
  ]);
}

export function encodeQuota(quota: QuotaRow): ByteString {
  return encodeKvlist([
    ['ROOT', answerString(quota.root)],
    ['LIMIT', encodeNumber(quota.storage ?? UNLIMITED)],
    ['STORAGE', unlessUndefined(quota.storage)],
    ['MESSAGE', unlessUndefined(quota.messages)],
    ['X-ANNOTATION-STORAGE', unlessUndefined(quota.annotationStorage)],
    ['X-NUM-FOLDERS', unlessUndefined(quota.folders)],
    ['MODSEQ', encodeNumber(quota.modseq)],
  ]);
}

function encodeAnnotations(annotations: readonly AnnotationRow[]): Encoded | undefined {
  if (annotations.length === 0) return undefined;
  return encodeList(
    annotations.map(({ entry, userid, modseq, value }) =>
      encodeKvlist([
        ['ENTRY', answerString(entry)],
        ['USERID', answerString(userid)],
        ['MODSEQ', encodeNumber(modseq)],
        ['VALUE', answerString(value)],
      ]),
    ),
  );
}

function unlessZero(value: number): Encoded | undefined {
  return value === 0 ? undefined : encodeNumber(value);
}

function unlessUndefined(value: number | undefined): Encoded | undefined {
  return value === undefined ? undefined : encodeNumber(value);
}
