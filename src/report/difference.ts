import { type ByteString, withoutBlanksAround } from '../byte-string.ts';
import { spellNames } from './name-in-text.ts';
import type { SpellMailbox } from './spell-mailbox.ts';

/** One thing that the two sides do not have alike. Plain data: it crosses threads, and goes into reports as it is. */
export interface Difference {
  kind: DifferenceKind;
  /** '' = a shared mailbox. */
  user: ByteString;
  /** Internal name, the master's where both have it. */
  mailbox?: ByteString;
  /** The UID, if it is about one message. */
  uid?: number;
  /** Which of several: a script, a subscription, a quota root, an annotation, whose seen state. */
  what?: ByteString;
  /** undefined: that side has none. */
  master: ByteString | number | undefined;
  replica: ByteString | number | undefined;
}

/** Each with what people call it. */
const NAMES = {
  mailbox: 'the mailbox',
  name: 'name',
  uniqueid: 'uniqueid',
  uidvalidity: 'UIDVALIDITY',
  'last-uid': 'last UID',
  highestmodseq: 'HIGHESTMODSEQ',
  acl: 'ACL',
  type: 'mailbox type',
  options: 'mailbox options',
  annotation: 'annotation',
  groups: 'groups of the owner',
  'recent-state': 'recent state',
  'pop3-state': 'POP3 state',
  foldermodseq: 'FOLDERMODSEQ',
  raclmodseq: 'RACLMODSEQ',
  xconvmodseq: 'XCONVMODSEQ',
  'record-checksum': 'checksum of the messages',
  'annotation-checksum': 'checksum of the message annotations',
  subscription: 'subscription to',
  seen: 'seen state of mailbox',
  script: 'Sieve script',
  'active-script': 'active Sieve script',
  quota: 'quota of',
  'quota-root': 'quota root',
  message: 'the message',
  flags: 'flags',
  internaldate: 'INTERNALDATE',
  guid: 'GUID (another body under this UID)',
  modseq: 'MODSEQ',
  'last-updated': 'time of the last change',
  size: 'size',
  'message-annotation': 'annotation',
  file: 'a file with the content of the message',
  unusable: 'what the replica says of it',
} as const;

export type DifferenceKind = keyof typeof NAMES;

/**
 * Tells whether the replica has all folders and messages as they are here, apart from what differs so. Counters and checksums of a
 * mailbox only say that something else does, which is told with them where it is in a message.
 */
const LEAVES: Readonly<Record<DifferenceKind, 'differs' | 'metadata-differs'>> = {
  mailbox: 'differs',
  name: 'differs',
  uniqueid: 'differs',
  uidvalidity: 'differs',
  'last-uid': 'differs',
  'record-checksum': 'differs',
  'annotation-checksum': 'differs',
  message: 'differs',
  flags: 'differs',
  internaldate: 'differs',
  guid: 'differs',
  size: 'differs',
  'message-annotation': 'differs',
  file: 'differs',
  type: 'differs',
  unusable: 'differs',
  highestmodseq: 'metadata-differs',
  acl: 'metadata-differs',
  options: 'metadata-differs',
  annotation: 'metadata-differs',
  groups: 'metadata-differs',
  'recent-state': 'metadata-differs',
  'pop3-state': 'metadata-differs',
  foldermodseq: 'metadata-differs',
  raclmodseq: 'metadata-differs',
  xconvmodseq: 'metadata-differs',
  modseq: 'metadata-differs',
  'last-updated': 'metadata-differs',
  subscription: 'metadata-differs',
  seen: 'metadata-differs',
  script: 'metadata-differs',
  'active-script': 'metadata-differs',
  quota: 'metadata-differs',
  'quota-root': 'metadata-differs',
};

/** @param differences of one user; there are some */
export function gradeOfDifferences(differences: readonly Difference[]): 'differs' | 'metadata-differs' {
  return differences.every(({ kind }) => LEAVES[kind] === 'metadata-differs')
    ? 'metadata-differs'
    : 'differs';
}

/** Octets of a value that are shown: an ACL or a list of UIDs may be of any length. */
const SHOWN_OCTETS = 200;

/** Which of several is told by the name of a mailbox. */
const CALLED_BY_MAILBOX: ReadonlySet<DifferenceKind> = new Set(['subscription', 'quota']);
/** The values are names of mailboxes. */
const OF_NAMES: ReadonlySet<DifferenceKind> = new Set(['name', 'quota-root']);

/** The difference with every mailbox that it names as the administrator types it. */
export function spellDifference(difference: Difference, spell: SpellMailbox): Difference {
  const { kind, mailbox, what, master, replica } = difference;
  const value = (of: Difference['master']): Difference['master'] => {
    if (typeof of !== 'string') return of;
    return OF_NAMES.has(kind) ? spell(of) : spellNames(of, spell);
  };
  return {
    ...difference,
    ...(mailbox !== undefined && { mailbox: spell(mailbox) }),
    ...(what !== undefined && CALLED_BY_MAILBOX.has(kind) && { what: spell(what) }),
    master: value(master),
    replica: value(replica),
  };
}

/** `user/anna/Sent, UID 7: flags: \Seen on the master, none on the replica`. */
export function differenceLine(difference: Difference, spell: SpellMailbox): ByteString {
  const { kind, user, mailbox, uid, what, master, replica } = spellDifference(difference, spell);
  const place = mailbox ?? user;
  const where = uid === undefined ? place : `${place}, UID ${uid}`;
  const name = what === undefined ? NAMES[kind] : `${NAMES[kind]} ${what}`;
  if (kind === 'unusable') return `${where}: ${name} cannot be used: ${shown(replica)}`;
  if (master === undefined) return `${where}: ${name} is only on the replica${value(replica)}`;
  if (replica === undefined) return `${where}: ${name} is missing on the replica${value(master)}`;
  return `${where}: ${name}: ${shown(master)} on the master, ${shown(replica)} on the replica`;
}

/** '' is "it is there", with nothing more to say of it. */
function value(of: ByteString | number | undefined): string {
  return of === undefined || of === '' ? '' : ` (${shown(of)})`;
}

function shown(of: ByteString | number | undefined): ByteString {
  if (of === undefined || of === '') return 'none';
  const text = withoutBlanksAround(String(of).replaceAll('\t', ' '));
  return text.length > SHOWN_OCTETS ? `${text.slice(0, SHOWN_OCTETS)}...` : text;
}
