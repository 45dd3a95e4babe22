import type { ByteString } from '../../byte-string.ts';
import { type ErrorCode, SyncError } from '../../report/sync-error.ts';
import { linkError } from '../link-errors.ts';

/**
 * Codes that Cyrus puts at the start of a NO's text (protocol 8). Each counts only with a space behind it, as in
 * the C client, so IMAP_PROTOCOL_BAD_PARAMETERS, which servers print without one, is matched by us alone.
 */
const CODED: ReadonlySet<string> = new Set([
  'IMAP_INVALID_USER',
  'IMAP_MAILBOX_NONEXISTENT',
  'IMAP_MAILBOX_LOCKED',
  'IMAP_MAILBOX_MOVED',
  'IMAP_MAILBOX_NOTSUPPORTED',
  'IMAP_SYNC_CHECKSUM',
  'IMAP_SYNC_CHANGED',
  'IMAP_SYNC_BADSIEVE',
  'IMAP_PERMISSION_DENIED',
  'IMAP_PROTOCOL_ERROR',
  'IMAP_PROTOCOL_BAD_PARAMETERS',
] satisfies ErrorCode[]);

/** Refusals that the next try may not meet: somebody else holds the lock, or the comparison starts afresh. */
const RETRYABLE: ReadonlySet<string> = new Set([
  'IMAP_MAILBOX_LOCKED',
  'IMAP_SYNC_CHANGED',
] satisfies ErrorCode[]);

/** Tells the answer to every command of a user who is not in the replica's `admins`, after a login that worked. */
export function isNotAdmin(text: ByteString): boolean {
  // An imapd says the second from Cyrus 3.12 on; older ones do not know the command then.
  return text === 'Permission denied' || /^only administrators may use \S+ command$/i.test(text);
}

export const NOT_ADMIN_HINT = "Log in as a user who is in the replica's admins";

const HINTS: ReadonlyMap<string, string> = new Map([
  ['Please authenticate first', 'The server string says /noauth, but the replica wants a login'],
]);

function isCode(word: string): word is ErrorCode {
  return CODED.has(word);
}

/** Octets of what a peer says that an error repeats: a line of its may have 64 KiB, and come for each command. */
const MOST_REPEATED = 1000;

function said(text: ByteString): ByteString {
  return text.length <= MOST_REPEATED ? text : `${text.slice(0, MOST_REPEATED)}...`;
}

/** @param command as the C client logs it: MAILBOX, USER, RESERVE ... @param text what follows `NO ` */
export function refusal(command: string, text: ByteString): SyncError {
  const word = text.split(' ', 1)[0] ?? '';
  const code = isCode(word) ? word : 'IMAP_REMOTE_DENIED';
  return new SyncError(code, `${command} received NO response: ${said(text)}`, {
    family: 'refused',
    retryable: RETRYABLE.has(code),
    hint: isNotAdmin(text) ? NOT_ADMIN_HINT : HINTS.get(text),
  });
}

/** @param response the answer's first word @param text the rest */
export function badResponse(command: string, response: ByteString, text: ByteString): SyncError {
  return new SyncError(
    'IMAP_PROTOCOL_ERROR',
    `IOERROR: received bad response: command=<${command}> response=<${said(response)}> errmsg=<${said(text)}>`,
    { family: 'refused', hint: "The replica's log may say why; a full disk there is one reason" },
  );
}

/** Why a connection is given up on which the replica did not take a message to its end. */
export function filesNotTaken(command: string, response: ByteString, text: ByteString): SyncError {
  return linkError('IMAP_PROTOCOL_ERROR', badResponse(command, response, text).message, {
    hint: 'The replica could not store a message: it looks like a full disk there, and its log says more',
  });
}

export function zeroLengthResponse(command: string, why = 'end of file reached'): SyncError {
  return linkError('LINK_BROKEN', `IOERROR: zero length response: command=<${command}> prot_error=<${why}>`, {
    hint: 'The replica closed the connection: its log says whether the process died or was stopped',
  });
}

export function byeResponse(text: ByteString): SyncError {
  return linkError('IMAP_BYE_LOGOUT', `received BYE: ${said(text)}`, {
    hint: 'The replica is being shut down',
  });
}

const FATAL_HINTS: readonly (readonly [RegExp, string])[] = [
  [/dlist\.c.*base != NULL/, 'The replica has no partition of that name: add it to its imapd.conf'],
  [/TOOBIG/, "A value is larger than the replica's maxliteral"],
  [/record->modseq >= oldrecord/, "A record's modseq would go down: -O cannot repair this mailbox"],
];

/** `* Fatal error: text`: the server process is about to leave (protocol 8). */
export function fatalError(command: string, text: ByteString): SyncError {
  const known = FATAL_HINTS.find(([pattern]) => pattern.test(text));
  return linkError('LINK_BROKEN', `${command}: the replica gave up: ${said(text)}`, {
    hint: known?.[1] ?? "The replica's log says more",
  });
}
