import type { ByteString } from '../../byte-string.ts';
import type { DlistMap, DlistValue } from '../../protocol/dlist/value.ts';
import { SyncError } from '../../report/sync-error.ts';
import { type CrcPair, compareAnnotations } from '../storage/checksums.ts';
import type { AnnotationRow, RecordRow } from '../storage/rows.ts';
import { atom, guidOf, list, num32, num64, optional } from './fields.ts';
import { refusal, ServerDeath } from './refusal.ts';

/** Fields that every MAILBOX has (protocol 10.3). */
export interface MailboxIdentity {
  uniqueid: ByteString;
  name: ByteString;
  /** Letters of MBOXTYPE; `e` is mail, which is written as nothing. */
  type: string;
  highestmodseq: number;
  createdmodseq: number;
}

export interface MailboxRequest extends MailboxIdentity {
  partition: ByteString;
  lastUid: number;
  recentuid: number;
  recenttime: number;
  lastAppenddate: number;
  pop3LastLogin: number;
  pop3ShowAfter: number;
  uidvalidity: number;
  acl: ByteString;
  options: ByteString;
  xconvmodseq: number;
  raclmodseq: number;
  foldermodseq: number;
  annotations: AnnotationRow[];
  crc: CrcPair;
  since: { modseq: number; crc: CrcPair };
  /** Not read yet: the server comes to them only after the checks of the header. */
  records: DlistValue[];
}

/** A record as sent: what it becomes when written is up to the stage. */
export type RequestedRecord = Omit<RecordRow, 'unlinked'>;

/** Options that are replicated (protocol 9.1). */
const OPTION_LETTERS = 'PSDA';
const SYSTEM_FLAGS = ['\\Deleted', '\\Answered', '\\Flagged', '\\Draft', '\\Expunged', '\\Seen'] as const;
const SYSTEM_FLAG_BY_LOWER_CASE = new Map<string, string>(
  SYSTEM_FLAGS.map((flag) => [flag.toLowerCase(), flag]),
);

/** The name of a user flag, as the real server takes it: an atom of fewer than 1024 octets. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: the rule is about control characters
const KEYWORD = /^[^\0-\x1e\x7f-\uffff {()"%*\\]{1,1023}$/;

export function parseIdentity(map: DlistMap): MailboxIdentity {
  const uniqueid = atom(map, 'UNIQUEID');
  const name = atom(map, 'MBOXNAME');
  const highestmodseq = num64(map, 'HIGHESTMODSEQ');
  const createdmodseq = optional(map, 'CREATEDMODSEQ', num64, 0);
  const type = optional(map, 'MBOXTYPE', atom, '').replaceAll('e', '');
  return { uniqueid, name, type, highestmodseq, createdmodseq };
}

export function parseRequest(map: DlistMap, identity: MailboxIdentity): MailboxRequest {
  const options = atom(map, 'OPTIONS');
  return {
    ...identity,
    partition: atom(map, 'PARTITION'),
    lastUid: num32(map, 'LAST_UID'),
    recentuid: num32(map, 'RECENTUID'),
    recenttime: num64(map, 'RECENTTIME'),
    lastAppenddate: num64(map, 'LAST_APPENDDATE'),
    pop3LastLogin: num64(map, 'POP3_LAST_LOGIN'),
    pop3ShowAfter: optional(map, 'POP3_SHOW_AFTER', num64, 0),
    uidvalidity: num32(map, 'UIDVALIDITY'),
    acl: atom(map, 'ACL'),
    options: [...OPTION_LETTERS].filter((letter) => options.includes(letter)).join(''),
    xconvmodseq: optional(map, 'XCONVMODSEQ', num64, 0),
    raclmodseq: optional(map, 'RACLMODSEQ', num64, 0),
    foldermodseq: optional(map, 'FOLDERMODSEQ', num64, 0),
    annotations: parseAnnotations(optional(map, 'ANNOTATIONS', list, [])),
    crc: {
      basic: optional(map, 'SYNC_CRC', num32, 0),
      annotations: optional(map, 'SYNC_CRC_ANNOT', num32, 0),
    },
    since: {
      modseq: optional(map, 'SINCE_MODSEQ', num64, 0),
      crc: {
        basic: optional(map, 'SINCE_CRC', num32, 0),
        annotations: optional(map, 'SINCE_CRC_ANNOT', num32, 0),
      },
    },
    records: list(map, 'RECORD'),
  };
}

/** @throws SyncError IMAP_PROTOCOL_ERROR, as the server answers for a record it cannot read */
export function parseRecord(value: DlistValue): RequestedRecord {
  if (!(value instanceof Map)) throw refusal('IMAP_PROTOCOL_ERROR', 'a RECORD item is not a kvlist');
  try {
    return {
      uid: num32(value, 'UID'),
      modseq: num64(value, 'MODSEQ'),
      lastUpdated: num64(value, 'LAST_UPDATED'),
      flags: parseFlags(list(value, 'FLAGS')),
      internaldate: num64(value, 'INTERNALDATE'),
      size: num64(value, 'SIZE'),
      guid: guidOf(value.get('GUID'), 'GUID'),
      annotations: parseAnnotations(optional(value, 'ANNOTATIONS', list, [])),
    };
  } catch (error) {
    if (error instanceof ServerDeath || (error instanceof SyncError && error.code === 'IMAP_REMOTE_DENIED'))
      throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw refusal('IMAP_PROTOCOL_ERROR', `failed to parse uploaded record: ${reason}`);
  }
}

/** Cyrus's order, system flags in Cyrus's spelling, no flag twice. */
function parseFlags(values: readonly DlistValue[]): ByteString[] {
  if (values.length === 0) return [];
  const system = new Set<string>();
  const user = new Set<ByteString>();
  for (const value of values) {
    if (value !== null && typeof value !== 'string') continue;
    // An unquoted NIL is no string, and the real server reads on through a null pointer.
    if (value === null) throw new ServerDeath('a flag is NIL');
    const known = value.startsWith('\\') ? SYSTEM_FLAG_BY_LOWER_CASE.get(value.toLowerCase()) : undefined;
    if (known !== undefined) system.add(known);
    else if (value.startsWith('\\')) continue;
    else if (KEYWORD.test(value)) user.add(value);
    else throw refusal('IMAP_REMOTE_DENIED', `invalid keyword ${JSON.stringify(value)}`);
  }
  return [...SYSTEM_FLAGS.filter((flag) => system.has(flag)), ...user];
}

function parseAnnotations(values: readonly DlistValue[]): AnnotationRow[] {
  const annotations: AnnotationRow[] = [];
  for (const value of values) {
    if (!(value instanceof Map)) continue;
    const annotation = {
      entry: atom(value, 'ENTRY'),
      userid: optional(value, 'USERID', atom, ''),
      modseq: optional(value, 'MODSEQ', num64, 0),
      value: optional(value, 'VALUE', atom, ''),
    };
    // An empty value is Cyrus's way to say that the annotation is gone.
    if (annotation.value !== '') annotations.push(annotation);
  }
  return annotations.sort(compareAnnotations);
}
