import type { ByteString } from '../../byte-string.ts';
import { ACL, FLAG, GROUPS, LETTERS, MAILBOX_NAME, matches, PARTITION, UNIQUEID } from '../../grammar.ts';
import { SyncError } from '../../report/sync-error.ts';
import { encodeFlags, encodeNumber, encodeString } from '../dlist/encoders.ts';
import type { DlistMap, DlistValue } from '../dlist/value.ts';
import { RECORD_PIECE_OCTETS } from '../limits.ts';
import type { OnUnusable, ReplicaMailbox, SessionInfo, WireMailbox, WireRecord } from '../replica-session.ts';
import { decodeAnnotations, encodeAnnotations } from './annotation-commands.ts';
import {
  optionalNumber,
  optionalString,
  requireList,
  requireMap,
  requireName,
  requireNumber,
  requireString,
} from './fields.ts';
import { MODSEQ, TIME, UID_OR_NONE, WORD } from './ranges.ts';
import { encodeRecord } from './records.ts';

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
    `%(${jmapidOf(mailbox)}UNIQUEID ${encodeString(mailbox.uniqueid)} MBOXNAME ${encodeString(mailbox.name)}` +
    ` MBOXTYPE ${encodeString(mailbox.type)} HIGHESTMODSEQ ${foldermodseq}` +
    ` CREATEDMODSEQ ${encodeNumber(mailbox.createdmodseq)} FOLDERMODSEQ ${foldermodseq})`
  );
}

/** Everything in front of RECORD. Numbers that may be absent are absent when 0. */
function encodeHead(mailbox: WireMailbox): ByteString {
  const { crcAnnotations, since, quotaroot, type, annotations, groups, keywords } = mailbox;
  let text = `%(${jmapidOf(mailbox)}UNIQUEID ${encodeString(mailbox.uniqueid)} MBOXNAME ${encodeString(mailbox.name)}`;
  if (type !== '') text += ` MBOXTYPE ${encodeString(type)}`;
  text += ` SYNC_CRC ${encodeNumber(mailbox.crcBasic)}`;
  if (crcAnnotations !== undefined) text += ` SYNC_CRC_ANNOT ${encodeNumber(crcAnnotations)}`;
  text +=
    ` LAST_UID ${encodeNumber(mailbox.lastUid)} HIGHESTMODSEQ ${encodeNumber(mailbox.highestmodseq)}` +
    ` RECENTUID ${encodeNumber(mailbox.recentuid)} RECENTTIME ${encodeNumber(mailbox.recenttime)}` +
    ` LAST_APPENDDATE ${encodeNumber(mailbox.lastAppenddate)}` +
    ` POP3_LAST_LOGIN ${encodeNumber(mailbox.pop3LastLogin)} POP3_SHOW_AFTER ${encodeNumber(mailbox.pop3ShowAfter)}`;
  text += unlessZero('XCONVMODSEQ', mailbox.xconvmodseq);
  if (mailbox.compactEmailids) text += ' COMPACT_EMAILIDS 1';
  text += unlessZero('RACLMODSEQ', mailbox.raclmodseq);
  if (groups !== undefined) text += ` USERGROUPS ${encodeString(groups)}`;
  text += unlessZero('VERSION', mailbox.indexVersion ?? 0);
  text +=
    ` UIDVALIDITY ${encodeNumber(mailbox.uidvalidity)} PARTITION ${encodeString(mailbox.partition ?? null)}` +
    ` ACL ${encodeString(mailbox.acl)} OPTIONS ${encodeString(mailbox.options)}`;
  if (quotaroot !== undefined) text += ` QUOTAROOT ${encodeString(quotaroot)}`;
  text +=
    unlessZero('CREATEDMODSEQ', mailbox.createdmodseq) +
    unlessZero('FOLDERMODSEQ', mailbox.foldermodseq) +
    unlessZero('DELETEDMODSEQ', mailbox.deletedmodseq ?? 0);
  if (annotations.length > 0) text += ` ANNOTATIONS ${encodeAnnotations(annotations)}`;
  if (keywords !== undefined) text += ` USERFLAGS ${encodeFlags(keywords)}`;
  if (since !== undefined) {
    text +=
      ` SINCE_MODSEQ ${encodeNumber(since.modseq)} SINCE_CRC ${encodeNumber(since.crcBasic)}` +
      ` SINCE_CRC_ANNOT ${encodeNumber(since.crcAnnotations)}`;
  }
  return text;
}

function jmapidOf({ jmapid }: WireMailbox): ByteString {
  return jmapid === undefined ? '' : `JMAPID ${encodeString(jmapid)} `;
}

function unlessZero(key: string, value: number): ByteString {
  return value === 0 ? '' : ` ${key} ${encodeNumber(value)}`;
}

/** Who gives an answer decides what it means that a field is not there. */
export type Told = Pick<SessionInfo, 'takesGroups'>;

/** Some fields are required (protocol 9.1); keys that are not known are passed over. */
export function decodeMailbox(value: DlistValue, told: Told): ReplicaMailbox {
  const map = requireMap(value, 'MAILBOX');
  const name = requireName(map, 'MBOXNAME', MAILBOX_NAME);
  try {
    return mailboxOf(map, name, told);
  } catch (caught) {
    throw SyncError.from(caught, { mailbox: name });
  }
}

function mailboxOf(map: DlistMap, name: ByteString, { takesGroups }: Told): ReplicaMailbox {
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
    groups: takesGroups ? (optionalString(map, 'USERGROUPS', GROUPS) ?? '') : undefined,
    ...keywordsOf(map),
    annotations: decodeAnnotations(map),
  };
}

/** One that nobody could be told of is left out: it is no reason to do without the mailbox. */
function keywordsOf(map: DlistMap): Pick<ReplicaMailbox, 'keywords'> {
  const list = map.get('USERFLAGS');
  if (list === undefined) return {};
  const words = requireList(list, 'USERFLAGS').map((word) => word ?? 'NIL');
  const flags = words.filter((word) => typeof word === 'string').filter((word) => matches(FLAG, word));
  return { keywords: flags.filter((flag) => !flag.startsWith('\\')) };
}

/** The mailbox, or undefined if `onUnusable` was told of it. @throws SyncError without that, and where no name is to be had */
export function decodeUsableMailbox(
  value: DlistValue,
  told: Told,
  onUnusable: OnUnusable | undefined,
): ReplicaMailbox | undefined {
  try {
    return decodeMailbox(value, told);
  } catch (caught) {
    const error = SyncError.from(caught);
    if (onUnusable === undefined || error.mailbox === undefined) throw error;
    onUnusable(error.mailbox, error);
    return undefined;
  }
}
