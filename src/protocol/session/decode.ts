import type { ByteString } from '../../byte-string.ts';
import {
  ACL,
  ANNOTATION_ENTRY,
  FLAG,
  GUID,
  LETTERS,
  MAILBOX_NAME,
  PARTITION,
  SCRIPT_FILE,
  UID_SEQUENCE,
  UNIQUEID,
  USERID,
} from '../../grammar.ts';
import { SyncError } from '../../report/sync-error.ts';
import type { DlistMap, DlistValue } from '../dlist/value.ts';
import type {
  ReplicaMailbox,
  ReplicaQuota,
  ReplicaSieve,
  WireAnnotation,
  WireRecord,
  WireSeen,
} from '../replica-session.ts';
import {
  optionalNumber,
  optionalString,
  requireList,
  requireMap,
  requireName,
  requireNumber,
  requireString,
  requireText,
  stringItems,
} from './fields.ts';
import { LIMIT, MESSAGE_SIZE, MODSEQ, TIME, UID, UID_OR_NONE, WORD, YES_OR_NO } from './ranges.ts';

/** Untagged answers as contract types; some fields are required (protocol 9.1 to 9.3), unknown keys are passed over. */

export function decodeMailbox(value: DlistValue): ReplicaMailbox {
  const map = requireMap(value, 'MAILBOX');
  const name = requireName(map, 'MBOXNAME', MAILBOX_NAME);
  try {
    return mailboxOf(map, name);
  } catch (caught) {
    throw SyncError.from(caught, { mailbox: name });
  }
}

function mailboxOf(map: DlistMap, name: ByteString): ReplicaMailbox {
  return {
    uniqueid: requireString(map, 'UNIQUEID', UNIQUEID),
    name,
    type: optionalString(map, 'MBOXTYPE', LETTERS) ?? '',
    crcBasic: optionalNumber(map, 'SYNC_CRC', WORD),
    crcAnnotations: optionalNumber(map, 'SYNC_CRC_ANNOT', WORD),
    lastUid: requireNumber(map, 'LAST_UID', UID_OR_NONE),
    highestmodseq: requireNumber(map, 'HIGHESTMODSEQ', MODSEQ),
    recentuid: requireNumber(map, 'RECENTUID', UID_OR_NONE),
    recenttime: requireNumber(map, 'RECENTTIME', TIME),
    lastAppenddate: optionalNumber(map, 'LAST_APPENDDATE', TIME),
    pop3LastLogin: requireNumber(map, 'POP3_LAST_LOGIN', TIME),
    pop3ShowAfter: optionalNumber(map, 'POP3_SHOW_AFTER', TIME),
    xconvmodseq: optionalNumber(map, 'XCONVMODSEQ', MODSEQ),
    raclmodseq: optionalNumber(map, 'RACLMODSEQ', MODSEQ),
    uidvalidity: requireNumber(map, 'UIDVALIDITY', UID_OR_NONE),
    partition: requireString(map, 'PARTITION', PARTITION) || undefined,
    acl: requireString(map, 'ACL', ACL),
    options: requireString(map, 'OPTIONS', LETTERS),
    quotaroot: optionalString(map, 'QUOTAROOT', MAILBOX_NAME),
    createdmodseq: optionalNumber(map, 'CREATEDMODSEQ', MODSEQ),
    foldermodseq: optionalNumber(map, 'FOLDERMODSEQ', MODSEQ),
    annotations: decodeAnnotations(map),
  };
}

export function decodeRecord(value: DlistValue): WireRecord {
  const map = requireMap(value, 'a RECORD item');
  return {
    uid: requireNumber(map, 'UID', UID),
    modseq: requireNumber(map, 'MODSEQ', MODSEQ),
    lastUpdated: requireNumber(map, 'LAST_UPDATED', TIME),
    flags: stringItems(requireList(map.get('FLAGS'), 'FLAGS'), 'FLAGS', FLAG),
    internaldate: requireNumber(map, 'INTERNALDATE', TIME),
    size: requireNumber(map, 'SIZE', MESSAGE_SIZE),
    guid: requireName(map, 'GUID', GUID),
    annotations: decodeAnnotations(map),
  };
}

const NO_ANNOTATIONS: WireAnnotation[] = [];

function decodeAnnotations(map: DlistMap): WireAnnotation[] {
  const list = map.get('ANNOTATIONS');
  if (list === undefined || list === null) return NO_ANNOTATIONS.slice();
  return requireList(list, 'ANNOTATIONS').map(decodeAnnotation);
}

export function decodeAnnotation(value: DlistValue): WireAnnotation {
  const map = requireMap(value, 'an annotation');
  return {
    entry: requireName(map, 'ENTRY', ANNOTATION_ENTRY),
    userid: requireString(map, 'USERID', USERID),
    modseq: optionalNumber(map, 'MODSEQ', MODSEQ),
    value: requireText(map, 'VALUE'),
  };
}

/** What the wire says for "no limit" in LIMIT, which is 32 bits wide. */
const UNLIMITED = 4294967295;

/** `LIMIT` repeats STORAGE and is all that old servers send; a resource that is not named has no limit. */
export function decodeQuota(value: DlistValue): ReplicaQuota {
  const map = requireMap(value, 'QUOTA');
  return {
    root: requireName(map, 'ROOT', MAILBOX_NAME),
    storage: decodeLimit(map, 'STORAGE', 'LIMIT'),
    messages: decodeLimit(map, 'MESSAGE'),
    annotationStorage: decodeLimit(map, 'X-ANNOTATION-STORAGE', 'ANNOTATION-STORAGE'),
    folders: decodeLimit(map, 'X-NUM-FOLDERS', 'MAILBOX'),
  };
}

function decodeLimit(map: DlistMap, ...spellings: string[]): number {
  const key = spellings.find((spelling) => map.has(spelling));
  const limit = key === undefined ? UNLIMITED : requireNumber(map, key, LIMIT);
  return limit === UNLIMITED ? -1 : limit;
}

export function encodedLimit(limit: number): number {
  return limit < 0 ? UNLIMITED : limit;
}

export function decodeSeen(value: DlistValue): WireSeen {
  const map = requireMap(value, 'SEEN');
  return {
    uniqueid: requireName(map, 'UNIQUEID', UNIQUEID),
    lastread: requireNumber(map, 'LASTREAD', TIME),
    lastuid: requireNumber(map, 'LASTUID', UID_OR_NONE),
    lastchange: requireNumber(map, 'LASTCHANGE', TIME),
    seenuids: requireString(map, 'SEENUIDS', UID_SEQUENCE),
  };
}

export function decodeSieve(value: DlistValue): ReplicaSieve {
  const map = requireMap(value, 'SIEVE');
  return {
    filename: requireName(map, 'FILENAME', SCRIPT_FILE),
    lastUpdate: requireNumber(map, 'LAST_UPDATE', TIME),
    guid: optionalString(map, 'GUID', GUID) ?? '',
    active: optionalNumber(map, 'ISACTIVE', YES_OR_NO) !== 0,
  };
}
