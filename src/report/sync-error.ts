/**
 * The one error of the project. `code` is stable and is what programs match on; the text is for people.
 *
 * Three families (design, section 5):
 *  - `refused`: the peer answered NO or BAD; the connection is still good.
 *  - `link`: the connection broke or could not be made; every command in flight on it failed with it.
 *  - `local`: something on this host: configuration, a damaged store file, a lock, our own bug.
 */
export type ErrorFamily = 'refused' | 'link' | 'local';

/** Cyrus's own names where Cyrus has one (protocol 8); ours otherwise. */
export type ErrorCode =
  // said by the replica
  | 'IMAP_INVALID_USER'
  | 'IMAP_MAILBOX_NONEXISTENT'
  | 'IMAP_MAILBOX_LOCKED'
  | 'IMAP_MAILBOX_MOVED'
  | 'IMAP_MAILBOX_NOTSUPPORTED'
  | 'IMAP_SYNC_CHECKSUM'
  | 'IMAP_SYNC_CHANGED'
  | 'IMAP_SYNC_BADSIEVE'
  | 'IMAP_PERMISSION_DENIED'
  | 'IMAP_PROTOCOL_ERROR'
  | 'IMAP_PROTOCOL_BAD_PARAMETERS'
  | 'IMAP_REMOTE_DENIED'
  // the link
  | 'CONNECT_FAILED'
  | 'CONNECT_TIMEOUT'
  /** Takes connections and does not serve them, for now. */
  | 'REPLICA_BUSY'
  /** Takes connections and loses them, whoever is at work on them. */
  | 'REPLICA_ILL'
  /** The replica's process ends at a mailbox, each time. */
  | 'BREAKS_LINK'
  | 'HOST_NOT_FOUND'
  | 'NOT_A_SYNC_SERVER'
  | 'AUTHENTICATION_FAILED'
  | 'NO_USABLE_MECHANISM'
  | 'TLS_FAILED'
  | 'COMPRESSION_UNAVAILABLE'
  | 'LINK_BROKEN'
  | 'LINK_TIMEOUT'
  | 'IMAP_BYE_LOGOUT'
  // this host
  | 'USAGE'
  | 'CONFIG'
  | 'SYNC_HOST_NOT_DEFINED'
  | 'IO'
  /** This process, or the whole host, has as many files open as it may. */
  | 'TOO_MANY_FILES'
  | 'DATABASE_DAMAGED'
  | 'DATABASE_UNSUPPORTED'
  | 'MAILBOX_DAMAGED'
  /** The index is one of a Cyrus that is newer than this program. */
  | 'INDEX_VERSION_UNKNOWN'
  | 'MESSAGE_UNREADABLE'
  | 'LOCK_TIMEOUT'
  | 'USER_LOCKED'
  | 'PARTITION_UNKNOWN'
  | 'CONFLICT'
  | 'MASTER_SERVER_LOST'
  /** The queue of a fleet. */
  | 'QUEUE_UNAVAILABLE'
  | 'CANCELLED'
  | 'BUG';

/** The part of the work in which it failed. */
export type Phase =
  | 'start'
  | 'connect'
  | 'lock'
  | 'read'
  | 'compare'
  | 'folders'
  | 'reserve'
  | 'upload'
  | 'apply'
  | 'quota'
  | 'subscriptions'
  | 'seen'
  | 'sieve'
  | 'annotations'
  | 'log';

/** Plain data form: the only way an error crosses a thread boundary or reaches a report file. */
export interface ErrorData {
  code: ErrorCode;
  family: ErrorFamily;
  message: string;
  phase?: Phase | undefined;
  user?: string | undefined;
  /** Internal name; the report spells it as the administrator does. */
  mailbox?: string | undefined;
  /** Others that failed with it, the first of them. */
  alsoMailboxes?: readonly string[] | undefined;
  /** The command that a connection was at when it broke. */
  outstanding?: Outstanding | undefined;
  hint?: string | undefined;
  retryable: boolean;
  /** How a user is left whose messages have arrived all the same. */
  leaves?: 'metadata-differs' | 'damaged-at-source' | undefined;
  /** The one message that it concerns. */
  damage?: MessageDamage | undefined;
}

/** A message that is not what the index of its mailbox says. */
export interface MessageDamage {
  uid: number;
  /** The index says that it is this one. */
  guid: string;
  path: string;
  cause: 'missing' | 'size-differs' | 'content-differs' | 'no-regular-file';
}

/**
 * The oldest question that the replica had not answered when the connection broke: a server takes one command
 * after the other, so that this is the one it was at.
 */
export interface Outstanding {
  /** Its name in the protocol: MAILBOX, RESERVE ... */
  command: string;
  /** Internal name of the one mailbox that it was for. */
  mailbox?: string | undefined;
}

export interface SyncErrorFields {
  family?: ErrorFamily;
  phase?: Phase | undefined;
  user?: string | undefined;
  mailbox?: string | undefined;
  alsoMailboxes?: readonly string[] | undefined;
  outstanding?: Outstanding | undefined;
  /** Advice for the operator: one sentence, no trailing full stop. */
  hint?: string | undefined;
  retryable?: boolean;
  leaves?: ErrorData['leaves'];
  damage?: MessageDamage | undefined;
  cause?: unknown;
}

const OUT_OF_FILES_HINT =
  'Raise the limit on open files: ulimit -n, or LimitNOFILE= of the service; fewer --workers need fewer';

/** Whatever was to be opened: it says nothing of the file, the user or the replica that it was about. */
export function isOutOfFiles(caught: object): boolean {
  return 'code' in caught && (caught.code === 'EMFILE' || caught.code === 'ENFILE');
}

export class SyncError extends Error {
  override readonly name = 'SyncError';
  readonly code: ErrorCode;
  readonly family: ErrorFamily;
  readonly phase: Phase | undefined;
  readonly user: string | undefined;
  readonly mailbox: string | undefined;
  readonly alsoMailboxes: readonly string[] | undefined;
  readonly outstanding: Outstanding | undefined;
  readonly hint: string | undefined;
  readonly retryable: boolean;
  readonly leaves: ErrorData['leaves'];
  readonly damage: MessageDamage | undefined;

  constructor(code: ErrorCode, message: string, fields: SyncErrorFields = {}) {
    super(message, fields.cause === undefined ? undefined : { cause: fields.cause });
    this.code = code;
    this.family = fields.family ?? 'local';
    this.phase = fields.phase;
    this.user = fields.user;
    this.mailbox = fields.mailbox;
    this.alsoMailboxes = fields.alsoMailboxes;
    this.outstanding = fields.outstanding;
    this.hint = fields.hint;
    this.retryable = fields.retryable ?? false;
    this.leaves = fields.leaves;
    this.damage = fields.damage;
  }

  /** @returns this error with the fields that were still unknown where it was thrown; known ones are kept */
  within(fields: Pick<SyncErrorFields, 'phase' | 'user' | 'mailbox' | 'outstanding' | 'hint'>): SyncError {
    return new SyncError(this.code, this.message, {
      family: this.family,
      phase: this.phase ?? fields.phase,
      user: this.user ?? fields.user,
      mailbox: this.mailbox ?? fields.mailbox,
      alsoMailboxes: this.alsoMailboxes,
      outstanding: this.outstanding ?? fields.outstanding,
      hint: this.hint ?? fields.hint,
      retryable: this.retryable,
      leaves: this.leaves,
      damage: this.damage,
      cause: this.cause,
    });
  }

  /** @returns this error about more than the one message */
  withoutDamage(): SyncError {
    return new SyncError(this.code, this.message, { ...this.toData(), damage: undefined, cause: this.cause });
  }

  toData(): ErrorData {
    const { code, family, message, phase, user, mailbox, alsoMailboxes, outstanding } = this;
    const { hint, retryable, leaves, damage } = this;
    const known = {
      code,
      family,
      message,
      phase,
      user,
      mailbox,
      alsoMailboxes,
      outstanding,
      hint,
      retryable,
    };
    return { ...known, ...(leaves && { leaves }), ...(damage && { damage }) };
  }

  static fromData(data: ErrorData): SyncError {
    return new SyncError(data.code, data.message, data);
  }

  /**
   * Anything caught, as a SyncError. What is not one already is a system error (`IO`) or a bug of ours (`BUG`). Where closing
   * what was open failed too, it is what failed first.
   */
  static from(thrown: unknown, fields: SyncErrorFields = {}): SyncError {
    const caught = firstOf(thrown);
    if (caught instanceof SyncError) return caught.within(fields);
    if (caught instanceof Error && isOutOfFiles(caught)) {
      const hint = OUT_OF_FILES_HINT;
      return new SyncError('TOO_MANY_FILES', caught.message, {
        ...fields,
        hint,
        retryable: true,
        cause: caught,
      });
    }
    if (caught instanceof Error && 'syscall' in caught) {
      return new SyncError('IO', caught.message, { ...fields, cause: caught });
    }
    const message = caught instanceof Error ? caught.message : String(caught);
    return new SyncError('BUG', message, { ...fields, cause: caught });
  }
}

/** The error that others followed as `using` disposed of things; its own is made by the compiler where Node has none. */
function firstOf(thrown: unknown): unknown {
  let first = thrown;
  while (first instanceof Error && first.name === 'SuppressedError' && 'suppressed' in first)
    first = first.suppressed;
  return first;
}
