import type { ByteString } from './byte-string.ts';

/**
 * The grammar of each noun of Cyrus, wherever its octets come from: a peer's answer or a file of the store. Checked
 * where the octets are read, so that nothing further in has to doubt them. Each is as wide as what some version of Cyrus
 * has written, and no wider: none lets a line end or a NUL pass.
 */
export interface Grammar {
  /** For the text of an error, after "expected". */
  readonly what: string;
  readonly pattern: RegExp;
  readonly mostOctets: number;
}

export function matches({ pattern, mostOctets }: Grammar, value: ByteString): boolean {
  return value.length <= mostOctets && pattern.test(value);
}

/** Cyrus takes no longer atom (imparse_isatom), and no longer mailbox name. */
const LONGEST_WORD_OCTETS = 1023;

/** A word that IMAP writes without quotes, as Cyrus judges it; 0x1F is one of its oddities. */
const ATOM_OCTET = "\\x1f!#$&'+-[\\]-z|}~";

/** A keyword, or a system flag with its backslash. Cyrus stores no other keyword, and reconstruct takes any other out. */
export const FLAG: Grammar = {
  what: 'a flag (an atom, with or without a backslash)',
  pattern: new RegExp(`^\\\\?[${ATOM_OCTET}]+$`),
  mostOctets: LONGEST_WORD_OCTETS,
};

/** SHA-1 of a message or a script. */
export const GUID: Grammar = {
  what: '40 hexadecimal digits',
  pattern: /^[0-9a-f]{40}$/,
  mostOctets: 40,
};

/** A uniqueid is opaque to replication, and names a directory and a lock: 24 letters and digits, a UUID, 16 hex digits. */
export const UNIQUEID: Grammar = {
  what: 'a uniqueid (letters, digits, - and _)',
  pattern: /^[0-9A-Za-z_-]+$/,
  mostOctets: 255,
};

/** The NAME of `partition-NAME` in imapd.conf. */
export const PARTITION: Grammar = {
  what: 'the name of a partition (an atom)',
  pattern: new RegExp(`^(?!.*/)[${ATOM_OCTET}]+$`),
  mostOctets: LONGEST_WORD_OCTETS,
};

/**
 * An internal name, in any encoding. A name is a path below spool and lock directories, where Cyrus allows no slash in
 * it either; dots in a component are written `^`, so it cannot lead upwards.
 */
export const MAILBOX_NAME: Grammar = {
  what: 'a mailbox name (no control characters, no slash)',
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the rule is about control characters
  pattern: /^[^\0-\x1f\x7f/]+$/,
  mostOctets: LONGEST_WORD_OCTETS,
};

/** A name that a user has subscribed to, which may be no mailbox's, and only ever travels as a string. */
export const SUBSCRIPTION: Grammar = {
  what: 'the name of a subscription (no line end, no NUL)',
  pattern: /^[^\0\r\n]+$/,
  mostOctets: LONGEST_WORD_OCTETS,
};

/** The name of a user, with the domain if there is one. It becomes a path too. */
export const USERID: Grammar = {
  what: 'a userid (no control characters, no slash)',
  pattern: MAILBOX_NAME.pattern,
  mostOctets: LONGEST_WORD_OCTETS,
};

/** `ident TAB rights TAB ...`; identifiers come in any encoding. */
export const ACL: Grammar = {
  what: 'an access control list (no control characters but the tabs in between)',
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the rule is about control characters
  pattern: /^[^\0-\x08\x0a-\x1f\x7f]*$/,
  mostOctets: 1024 * 1024,
};

/** Groups that a user is in, with tabs in between; group names come in any encoding. */
export const GROUPS: Grammar = {
  what: 'names of groups (no line end, no NUL)',
  pattern: /^[^\0\r\n]*$/,
  mostOctets: 1024 * 1024,
};

/** A name that CAPABILITIES enables. */
export const CAPABILITY: Grammar = {
  what: 'a capability (an atom)',
  pattern: new RegExp(`^[${ATOM_OCTET}]+$`),
  mostOctets: LONGEST_WORD_OCTETS,
};

/** Letters of MBOXTYPE and OPTIONS. */
export const LETTERS: Grammar = {
  what: 'letters',
  pattern: /^[A-Za-z]*$/,
  mostOctets: 64,
};

/** `/comment`, `/vendor/cmu/cyrus-imapd/thrid` ... */
export const ANNOTATION_ENTRY: Grammar = {
  what: 'the entry of an annotation (a slash, no control characters)',
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the rule is about control characters
  pattern: /^\/[^\0-\x1f\x7f]*$/,
  mostOctets: LONGEST_WORD_OCTETS,
};

/** `NAME.script`, or `NAME.bc` of the active one: a file in the user's directory of scripts. */
export const SCRIPT_FILE: Grammar = {
  what: 'the file name of a script (no control characters, no slash)',
  pattern: MAILBOX_NAME.pattern,
  mostOctets: LONGEST_WORD_OCTETS,
};

/** `1:3,7`, or nothing. */
export const UID_SEQUENCE: Grammar = {
  what: 'a sequence of UIDs',
  pattern: /^(?:[0-9]+|\*)(?::(?:[0-9]+|\*))?(?:,(?:[0-9]+|\*)(?::(?:[0-9]+|\*))?)*$|^$/,
  mostOctets: 64 * 1024 * 1024,
};
