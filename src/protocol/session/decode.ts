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
  requireNumber,
  requireString,
  stringItems,
} from './fields.ts';

/** Untagged answers as contract types, required fields as in protocol 9.1 to 9.3. Unknown keys are passed over. */

export function decodeMailbox(value: DlistValue): ReplicaMailbox {
  const map = requireMap(value, 'MAILBOX');
  return {
    uniqueid: requireString(map, 'UNIQUEID'),
    name: requireString(map, 'MBOXNAME'),
    type: optionalString(map, 'MBOXTYPE') ?? '',
    crcBasic: optionalNumber(map, 'SYNC_CRC'),
    crcAnnotations: optionalNumber(map, 'SYNC_CRC_ANNOT'),
    lastUid: requireNumber(map, 'LAST_UID'),
    highestmodseq: requireNumber(map, 'HIGHESTMODSEQ'),
    recentuid: requireNumber(map, 'RECENTUID'),
    recenttime: requireNumber(map, 'RECENTTIME'),
    lastAppenddate: optionalNumber(map, 'LAST_APPENDDATE'),
    pop3LastLogin: requireNumber(map, 'POP3_LAST_LOGIN'),
    pop3ShowAfter: optionalNumber(map, 'POP3_SHOW_AFTER'),
    xconvmodseq: optionalNumber(map, 'XCONVMODSEQ'),
    raclmodseq: optionalNumber(map, 'RACLMODSEQ'),
    uidvalidity: requireNumber(map, 'UIDVALIDITY'),
    partition: requireString(map, 'PARTITION') || undefined,
    acl: requireString(map, 'ACL'),
    options: requireString(map, 'OPTIONS'),
    quotaroot: optionalString(map, 'QUOTAROOT'),
    createdmodseq: optionalNumber(map, 'CREATEDMODSEQ'),
    foldermodseq: optionalNumber(map, 'FOLDERMODSEQ'),
    annotations: decodeAnnotations(map),
  };
}

export function decodeRecord(value: DlistValue): WireRecord {
  const map = requireMap(value, 'a RECORD item');
  return {
    uid: requireNumber(map, 'UID'),
    modseq: requireNumber(map, 'MODSEQ'),
    lastUpdated: requireNumber(map, 'LAST_UPDATED'),
    flags: stringItems(requireList(map.get('FLAGS'), 'FLAGS'), 'FLAGS'),
    internaldate: requireNumber(map, 'INTERNALDATE'),
    size: requireNumber(map, 'SIZE'),
    guid: requireString(map, 'GUID'),
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
    entry: requireString(map, 'ENTRY'),
    userid: requireString(map, 'USERID'),
    modseq: optionalNumber(map, 'MODSEQ'),
    value: requireString(map, 'VALUE'),
  };
}

/** What the wire says for "no limit" in LIMIT, which is 32 bits wide. */
const UNLIMITED = 4294967295;

/** `LIMIT` repeats STORAGE and is all that old servers send; a resource that is not named has no limit. */
export function decodeQuota(value: DlistValue): ReplicaQuota {
  const map = requireMap(value, 'QUOTA');
  return {
    root: requireString(map, 'ROOT'),
    storage: decodeLimit(map, 'STORAGE', 'LIMIT'),
    messages: decodeLimit(map, 'MESSAGE'),
    annotationStorage: decodeLimit(map, 'X-ANNOTATION-STORAGE', 'ANNOTATION-STORAGE'),
    folders: decodeLimit(map, 'X-NUM-FOLDERS', 'MAILBOX'),
  };
}

function decodeLimit(map: DlistMap, ...spellings: string[]): number {
  const key = spellings.find((spelling) => map.has(spelling));
  const limit = key === undefined ? UNLIMITED : requireNumber(map, key);
  return limit === UNLIMITED ? -1 : limit;
}

export function encodedLimit(limit: number): number {
  return limit < 0 ? UNLIMITED : limit;
}

export function decodeSeen(value: DlistValue): WireSeen {
  const map = requireMap(value, 'SEEN');
  return {
    uniqueid: requireString(map, 'UNIQUEID'),
    lastread: requireNumber(map, 'LASTREAD'),
    lastuid: requireNumber(map, 'LASTUID'),
    lastchange: requireNumber(map, 'LASTCHANGE'),
    seenuids: requireString(map, 'SEENUIDS'),
  };
}

export function decodeSieve(value: DlistValue): ReplicaSieve {
  const map = requireMap(value, 'SIEVE');
  return {
    filename: requireString(map, 'FILENAME'),
    lastUpdate: requireNumber(map, 'LAST_UPDATE'),
    guid: optionalString(map, 'GUID') ?? '',
    active: optionalNumber(map, 'ISACTIVE') !== 0,
  };
}
