import type { ByteString } from '../../byte-string.ts';
import { type ErrorCode, SyncError } from '../../report/sync-error.ts';

/**
 * A NO answer, as an error of family `refused`. `detail` is for the server's log, as the real server writes it to
 * syslog; the wire carries the fixed text of the code.
 */
export function refusal(code: ErrorCode, detail: string, mailbox?: ByteString): SyncError {
  return new SyncError(code, detail, { family: 'refused', mailbox });
}

/** A required field is missing or of the wrong type. */
export function badParameters(detail: string): SyncError {
  return refusal('IMAP_PROTOCOL_BAD_PARAMETERS', detail);
}

/**
 * Where the real server process would end: an assertion, abort(), or a limit. The connection ends, after `line` if the
 * real one still says something; the sandbox lives on.
 */
export class ServerDeath extends Error {
  override readonly name = 'ServerDeath';
  readonly line: string | undefined;

  constructor(reason: string, line?: string) {
    super(reason);
    this.line = line;
  }
}

/** Cyrus's codes (protocol 8). Those without a text of their own are all `Unknown error` to the client. */
const TEXTS: Partial<Record<ErrorCode, string>> = {
  IMAP_INVALID_USER: 'IMAP_INVALID_USER No Such User',
  IMAP_MAILBOX_NONEXISTENT: 'IMAP_MAILBOX_NONEXISTENT No Such Mailbox',
  IMAP_MAILBOX_LOCKED: 'IMAP_MAILBOX_LOCKED Mailbox locked',
  IMAP_MAILBOX_MOVED: 'IMAP_MAILBOX_MOVED Mailbox exists with another name or uniqueid',
  IMAP_MAILBOX_NOTSUPPORTED: 'IMAP_MAILBOX_NOTSUPPORTED Operation is not supported on mailbox',
  IMAP_SYNC_CHECKSUM: 'IMAP_SYNC_CHECKSUM Checksum Failure',
  IMAP_SYNC_CHANGED: 'IMAP_SYNC_CHANGED Changed since last sync',
  IMAP_SYNC_BADSIEVE: 'IMAP_SYNC_BADSIEVE Sieve script compilation failure',
  IMAP_PROTOCOL_ERROR: 'IMAP_PROTOCOL_ERROR Protocol error',
  IMAP_PROTOCOL_BAD_PARAMETERS: 'IMAP_PROTOCOL_BAD_PARAMETERS',
};

/** The text behind `NO `. */
export function refusalText(code: ErrorCode): string {
  return TEXTS[code] ?? 'Unknown error';
}
