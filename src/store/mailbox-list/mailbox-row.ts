import type { ByteString } from '../../byte-string.ts';
import { type Grammar, matches, PARTITION, UNIQUEID } from '../../grammar.ts';
import { DiskDlistError, DiskMap, type DiskValue, decimal, parseDiskMap } from '../files/parse-disk-dlist.ts';
import { type MailboxType, parseTypeLetters, parseTypeNumber } from './mailbox-type.ts';

/** A value of mailboxes.db whatever its age (store 3.1, 3.3). The key, and so the name, is not in it. */
export interface MailboxRow {
  type: MailboxType;
  uniqueid: ByteString;
  /** From the development line of 3.13 on. */
  jmapid: ByteString | undefined;
  partition: ByteString | undefined;
  /** `ident TAB rights TAB ...`. */
  acl: ByteString;
  uidvalidity: number;
  createdmodseq: number;
  foldermodseq: number;
  /** dbname that an `I` record points at. */
  dbname: ByteString | undefined;
  /** dbnames, newest first; only in `I` records. */
  formerDbnames: ByteString[];
}

/** The caller knows file and key. */
export class MailboxRowError extends Error {
  override readonly name = 'MailboxRowError';
}

/** @throws MailboxRowError */
export function parseMailboxRow(value: ByteString): MailboxRow {
  if (!value.startsWith('%')) return checked(parseTextRow(value));
  try {
    return checked(fromMap(parseDiskMap(value)));
  } catch (caught) {
    if (caught instanceof DiskDlistError) throw new MailboxRowError(caught.message, { cause: caught });
    throw caught;
  }
}

/** Checks uniqueid and partition, which become names of directories. */
function checked(row: MailboxRow): MailboxRow {
  const { uniqueid, jmapid, partition } = row;
  if (uniqueid !== '' && !matches(UNIQUEID, uniqueid)) throw noMatch(UNIQUEID, uniqueid);
  if (jmapid !== undefined && !matches(UNIQUEID, jmapid)) throw noMatch(UNIQUEID, jmapid);
  if (partition !== undefined && partition !== '' && !matches(PARTITION, partition)) {
    throw noMatch(PARTITION, partition);
  }
  return row;
}

function noMatch({ what }: Grammar, found: ByteString): MailboxRowError {
  return new MailboxRowError(`expected ${what}, found ${JSON.stringify(found.slice(0, 80))}`);
}

function fromMap(map: DiskMap): MailboxRow {
  const letters = map.text('T') ?? '';
  const type = parseTypeLetters(letters);
  if (type === undefined) throw new MailboxRowError(`unknown mailbox type ${letters}`);
  return {
    type,
    uniqueid: map.text('I') ?? '',
    jmapid: map.text('J'),
    partition: map.text('P'),
    acl: aclOf(map.get('A')),
    uidvalidity: numberOf(map, 'V'),
    createdmodseq: numberOf(map, 'C'),
    foldermodseq: numberOf(map, 'F'),
    dbname: map.text('N'),
    formerDbnames: formerNames(map.get('H')),
  };
}

function numberOf(map: DiskMap, key: ByteString): number {
  const value = map.number(key);
  if (Number.isNaN(value)) throw new MailboxRowError(`${key} is not a number`);
  return value;
}

function aclOf(value: DiskValue | undefined): ByteString {
  if (!(value instanceof DiskMap)) return '';
  return value.pairs
    .map(([ident, rights]) => `${ident}\t${typeof rights === 'string' ? rights : ''}\t`)
    .join('');
}

function formerNames(value: DiskValue | undefined): ByteString[] {
  if (!Array.isArray(value)) return [];
  return value.flatMap((item) => (item instanceof DiskMap ? (item.text('N') ?? []) : []));
}

/**
 * Cyrus 2.x: `TYPE [host!]partition ACL`, in 2.5 with `(uniqueid X specialuse Y) ` before it. The uniqueid may thus be
 * missing; cyrus.header has it.
 */
function parseTextRow(value: ByteString): MailboxRow {
  const extended = /^\(([^)]*)\) ?/.exec(value);
  const words = (extended?.[1] ?? '').split(' ');
  const at = words.indexOf('uniqueid');
  const rest = value.slice(extended?.[0].length ?? 0);
  const row = /^([0-9]+) ?([^ ]*)(?: ([\s\S]*))?$/.exec(rest);
  if (row === null) throw new MailboxRowError('neither a dlist nor "TYPE PARTITION ACL"');
  const [, bits = '', place = '', acl = ''] = row;
  const bang = place.indexOf('!');
  const partition = place.slice(bang + 1);
  return {
    type: { ...parseTypeNumber(decimal(bits)), legacyDirs: true, ...(bang < 0 ? {} : { remote: true }) },
    uniqueid: at < 0 ? '' : (words[at + 1] ?? ''),
    jmapid: undefined,
    partition: partition === '' ? undefined : partition,
    acl,
    uidvalidity: 0,
    createdmodseq: 0,
    foldermodseq: 0,
    dbname: undefined,
    formerDbnames: [],
  };
}
