import type { ByteString } from '../../../src/byte-string.ts';
import type {
  Annotation,
  IndexRecord,
  LockedMailbox,
  QuotaEntry,
  SeenEntry,
} from '../../../src/store/master-store.ts';
import { PROGRAMS } from '../../lab/cyrus-programs.ts';

/**
 * The argument of `APPLY MAILBOX` for a replica that has nothing, as the C client of the version writes it
 * (protocol 7, 9.1). Kept apart from the encoder of the program on purpose: this one is only for comparing octets.
 */
export function mailboxLine(mailbox: LockedMailbox): ByteString {
  const { entry, state } = mailbox;
  const fields: [string, string][] = [
    ['UNIQUEID', text(entry.uniqueid)],
    ['MBOXNAME', text(entry.name)],
  ];
  if (entry.type !== '') fields.push(['MBOXTYPE', text(entry.type)]);
  fields.push(
    ['SYNC_CRC', String(state.crcBasic)],
    ['SYNC_CRC_ANNOT', String(state.crcAnnotations)],
    ['LAST_UID', String(state.lastUid)],
    ['HIGHESTMODSEQ', String(state.highestmodseq)],
    ['RECENTUID', String(state.recentuid)],
    ['RECENTTIME', String(state.recenttime)],
    ['LAST_APPENDDATE', String(state.lastAppenddate)],
    ['POP3_LAST_LOGIN', String(state.pop3LastLogin)],
    ['POP3_SHOW_AFTER', String(state.pop3ShowAfter)],
  );
  if (state.xconvmodseq > 0) fields.push(['XCONVMODSEQ', String(state.xconvmodseq)]);
  if (state.raclmodseq > 0) fields.push(['RACLMODSEQ', String(state.raclmodseq)]);
  if (state.groups) fields.push(['USERGROUPS', text(state.groups)]);
  fields.push(
    ['UIDVALIDITY', String(state.uidvalidity)],
    ['PARTITION', text(entry.partition ?? '')],
    ['ACL', text(entry.acl)],
    ['OPTIONS', text(state.options)],
  );
  if (state.quotaroot !== undefined) fields.push(['QUOTAROOT', text(state.quotaroot)]);
  if (state.createdmodseq > 0) fields.push(['CREATEDMODSEQ', String(state.createdmodseq)]);
  if (state.foldermodseq > 0) fields.push(['FOLDERMODSEQ', String(state.foldermodseq)]);
  if (mailbox.annotations.length > 0) fields.push(['ANNOTATIONS', annotationList(mailbox.annotations)]);
  if (PROGRAMS.isAtLeast(3, 12)) fields.push(['USERFLAGS', `(${state.keywords?.join(' ')})`]);
  const records: string[] = [];
  for (const page of mailbox.pages()) {
    for (let i = 0; i < page.count; i++) records.push(recordItem(page.record(i)));
  }
  fields.push(['RECORD', `(${records.join(' ')})`]);
  return map(fields);
}

export function subLine(userid: ByteString, name: ByteString): ByteString {
  return map([
    ['USERID', text(userid)],
    ['MBOXNAME', text(name)],
  ]);
}

export function seenLine(userid: ByteString, seen: SeenEntry): ByteString {
  return map([
    ['USERID', text(userid)],
    ['UNIQUEID', text(seen.uniqueid)],
    ['LASTREAD', String(seen.lastread)],
    ['LASTUID', String(seen.lastuid)],
    ['LASTCHANGE', String(seen.lastchange)],
    ['SEENUIDS', text(seen.seenuids)],
  ]);
}

const UNLIMITED_ON_THE_WIRE = 4294967295;

export function quotaLine(quota: QuotaEntry): ByteString {
  const fields: [string, string][] = [
    ['ROOT', text(quota.root)],
    ['LIMIT', String(quota.storage < 0 ? UNLIMITED_ON_THE_WIRE : quota.storage)],
  ];
  if (quota.storage >= 0) fields.push(['STORAGE', String(quota.storage)]);
  if (quota.messages >= 0) fields.push(['MESSAGE', String(quota.messages)]);
  if (quota.annotationStorage >= 0) fields.push(['X-ANNOTATION-STORAGE', String(quota.annotationStorage)]);
  if (quota.folders >= 0) fields.push(['X-NUM-FOLDERS', String(quota.folders)]);
  fields.push(['MODSEQ', String(quota.modseq)]);
  return map(fields);
}

function recordItem(record: IndexRecord): string {
  const fields: [string, string][] = [
    ['UID', String(record.uid)],
    ['MODSEQ', String(record.modseq)],
    ['LAST_UPDATED', String(record.lastUpdated)],
    ['FLAGS', `(${record.flags.join(' ')})`],
    ['INTERNALDATE', String(record.internaldate)],
    ['SIZE', String(record.size)],
    ['GUID', record.guid],
  ];
  if (record.annotations.length > 0) fields.push(['ANNOTATIONS', annotationList(record.annotations)]);
  return map(fields);
}

function annotationList(annotations: readonly Annotation[]): string {
  const items = annotations.map(({ entry, userid, modseq, value }) =>
    map([
      ['ENTRY', text(entry)],
      ['USERID', text(userid)],
      ['MODSEQ', String(modseq)],
      ['VALUE', text(value)],
    ]),
  );
  return `(${items.join(' ')})`;
}

function map(fields: readonly [string, string][]): string {
  return `%(${fields.map(([key, value]) => `${key} ${value}`).join(' ')})`;
}

const LONGEST_INLINE = 1024;

function text(value: ByteString): string {
  if (value === '') return '""';
  const codes = [...value].map((char) => char.charCodeAt(0));
  const short = value.length < LONGEST_INLINE;
  if (short && value !== 'NIL' && codes.every(isAtomOctet)) return value;
  if (short && codes.every(isQuotableOctet)) return `"${value}"`;
  return `{${value.length}+}\r\n${value}`;
}

function isAtomOctet(code: number): boolean {
  return code >= 0x1f && code < 0x7f && !' {()"%*\\'.includes(String.fromCharCode(code));
}

function isQuotableOctet(code: number): boolean {
  return code < 0x80 && !'\r\n"%\\'.includes(String.fromCharCode(code));
}
