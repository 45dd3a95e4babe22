import type { ByteString } from '../byte-string.ts';
import type { Grade, SettledStatus } from './grade.ts';
import type { ErrorData, MessageDamage } from './sync-error.ts';

/**
 * The one catalogue of observable facts. Verbose lines, log, progress, report file and tests all hang on it; nothing
 * else writes to stdout. Plain data: events cross threads as they are.
 */
export type SyncEvent =
  | RunEvent
  | ConnectionEvent
  | UserEvent
  | MailboxEvent
  | CommandEvent
  | RollingEvent
  | NoticeEvent;

export type RunEvent =
  | { kind: 'run:start'; server: string; mode: 'all' | 'users' | 'mailboxes' | 'meta'; workers: number }
  /** Enumeration goes on while users are already synced; `complete` says that the totals are final. */
  | { kind: 'run:discovered'; users: number; messages: number; complete: boolean }
  | { kind: 'run:parked'; user: ByteString }
  | { kind: 'run:retry'; user: ByteString; delayMs: number; error: ErrorData }
  /** Told at the end: what was asked for by a name that nothing here has. */
  | ({ kind: 'run:unmatched' } & UnmatchedName)
  /** Somebody asked how things stand (SIGUSR1). */
  | { kind: 'run:status'; status: RunStatus }
  | { kind: 'run:end'; summary: RunSummary };

/** A name that matched nothing. */
export interface UnmatchedName {
  mode: 'all' | 'users' | 'mailboxes' | 'meta';
  /** A userid, an internal mailbox name or, for `all`, the prefix; '' = no name was given, or nothing is here at all. */
  name: ByteString;
  guess: Guess | undefined;
}

/** What was probably meant; `name` is of the same sort as the name that matched nothing. */
export type Guess =
  /** It has characters that patterns are made of, and no mode takes patterns. */
  | { why: 'pattern' }
  /** A mailbox was deleted here and has left a tombstone. */
  | { why: 'deleted' }
  /** The user has folders, but no INBOX that they belong to. */
  | { why: 'no-inbox' }
  /** There is something here that differs in its form alone: spelled as a mailbox, as a user, or with another domain. */
  | { why: 'form'; name: ByteString }
  | { why: 'case'; name: ByteString }
  | { why: 'similar'; name: ByteString };

export interface RunSummary {
  synced: number;
  absent: number;
  locked: number;
  failed: number;
  /** Names that matched nothing. */
  unmatched: number;
  messagesUploaded: number;
  bytesUploaded: number;
  mailboxesUpdated: number;
  elapsedMs: number;
  failures: { user: ByteString; error: ErrorData }[];
  /** Those who never had their turn, or had not come to its end: the run was stopped, or could not go on. */
  unreached: { user: ByteString; mailboxes?: ByteString[] | undefined }[];
  /** Everybody was found who was to be replicated. */
  allFound: boolean;
}

/** How things stand in the middle of a run. */
export interface RunStatus {
  state: 'connecting' | 'copying' | 'waiting-for-replica' | 'stopping';
  /** Users (and groups of shared mailboxes) known; `complete`: there are no others. */
  users: number;
  complete: boolean;
  synced: number;
  absent: number;
  locked: number;
  failed: number;
  /** Users without a final outcome. */
  left: number;
  /** That are up. */
  connections: number;
  messages: number;
  octets: number;
  elapsedMs: number;
}

export type ConnectionEvent =
  | {
      kind: 'connection:open';
      server: string;
      flavour: 'csync' | 'imap';
      mechanism: string | undefined;
      tls: boolean;
      compression: boolean;
      sieveMailbox: boolean;
    }
  /** To another host, and either nothing is encrypted, or the certificate is not verified. */
  | { kind: 'connection:exposed'; server: string; exposure: 'clear' | 'unverified' }
  | { kind: 'connection:failed'; server: string; error: ErrorData; retryInSeconds: number | undefined }
  | { kind: 'connection:lost'; server: string; error: ErrorData }
  /** It takes connections and loses them, whoever is at work on them. `error`: what it said last, if it said anything. */
  | { kind: 'replica:ill'; server: string; error: ErrorData; retryInSeconds: number | undefined }
  /** This host has no more descriptors. `limit` of this process on them, where it is known. */
  | { kind: 'host:out-of-files'; limit: number | undefined; retryInSeconds: number; error: ErrorData }
  /** In the middle: the link turned out to be slow. `level` of zlib, `rate` in octets a second before. */
  | { kind: 'connection:compressed'; server: string; level: number; rate: number }
  /** In good order, by us. */
  | { kind: 'connection:closed'; server: string }
  | { kind: 'traffic'; direction: 'sent' | 'received'; text: Uint8Array };

export type UserEvent =
  /** Another connection will take it up. */
  | { kind: 'job:postponed'; key: string }
  | { kind: 'user:start'; user: ByteString; work: 'user' | 'meta' | 'mailboxes' }
  | { kind: 'user:absent'; user: ByteString }
  /** A user or mailbox that is not here, and nothing says that it ever was. A deleted mailbox counts, a deleted user not. */
  | { kind: 'name:absent'; name: ByteString }
  /** Skipped (`-N`). `mailboxes`: the job was these mailboxes rather than a user. */
  | { kind: 'user:locked'; user: ByteString; mailboxes?: ByteString[] | undefined }
  /** At once when it is done; `size` in messages, as they were counted in `run:discovered`. */
  | { kind: 'user:synced'; user: ByteString; size: number }
  /** Settled: told with the batch that it was in. */
  | { kind: 'user:done'; user: ByteString }
  /** `mailboxes` as of `user:locked`. */
  | {
      kind: 'user:failed';
      user: ByteString;
      work: 'user' | 'meta' | 'mailboxes';
      mailboxes?: ByteString[] | undefined;
      error: ErrorData;
    }
  /** The last word on a user, or on a group of mailboxes: told once for each, those not reached included. */
  | ({ kind: 'user:settled' } & UserSettled)
  /** Both sides were compared, before `user:settled`. */
  | { kind: 'user:graded'; user: ByteString; grade: Grade; differences: number }
  /** Messages that the replica now has (uploaded or found there), for progress. */
  | { kind: 'user:progress'; user: ByteString; messages: number; bytes: number };

export interface UserSettled {
  /** '' for mailboxes that are not all of one user. */
  user: ByteString;
  /** As of `user:locked`. */
  mailboxes?: ByteString[] | undefined;
  status: SettledStatus;
  error?: ErrorData | undefined;
  effort: Effort;
}

/** What was done for a user, all attempts together. */
export interface Effort {
  attempts: number;
  /** Attempts that came to nothing because somebody else had the lock. */
  lockWaits: number;
  mailboxes: number;
  messages: number;
  octets: number;
  elapsedMs: number;
}

/** What an administrator has to know of a mailbox although nothing failed. */
export type MailboxEvent =
  /** It had changed on both sides. `changed`: who was written to. */
  | { kind: 'mailbox:merged'; name: ByteString; changed: 'replica' | 'both' }
  /** Only the replica has it, and nothing here proves that it was deleted. */
  | { kind: 'mailbox:replica-only'; name: ByteString; uniqueid: ByteString; inDeleted: boolean }
  /** Left out, because its file here is not what the index says. */
  | { kind: 'message:damaged'; user: ByteString; name: ByteString; damage: MessageDamage };

/** One per line of `-v` (algorithm 11.1). */
export type CommandEvent =
  | { kind: 'command:mailboxes'; names: ByteString[] }
  | { kind: 'command:mailbox'; name: ByteString; local: boolean }
  | { kind: 'command:fullmailbox'; name: ByteString }
  | {
      kind: 'command:rename';
      oldName: ByteString;
      newName: ByteString;
      partition: ByteString;
      local: boolean;
    }
  | { kind: 'command:unmailbox'; name: ByteString; local: boolean }
  | { kind: 'command:quota'; root: ByteString }
  | { kind: 'command:unquota'; root: ByteString }
  | { kind: 'command:sub' | 'command:unsub'; user: ByteString; name: ByteString }
  | { kind: 'command:seen'; user: ByteString; uniqueid: ByteString }
  | {
      kind: 'command:sieve' | 'command:unsieve' | 'command:activate-sieve';
      user: ByteString;
      filename: ByteString;
    }
  | { kind: 'command:unactivate-sieve'; user: ByteString }
  | {
      kind: 'command:annotation' | 'command:unannotation';
      name: ByteString;
      entry: ByteString;
      user: ByteString;
    };

/** `channel` undefined = the default one. `user`: a userid, or the name of a shared mailbox. */
export type RollingEvent =
  /** Lines were taken from the log; `units` of work is what they come to. */
  | {
      kind: 'rolling:pass';
      channel: string | undefined;
      file: string;
      lines: number;
      bad: number;
      units: number;
    }
  | { kind: 'rolling:bad-line'; file: string; line: number; expected: string; found: string }
  | {
      kind: 'rolling:retry';
      channel: string | undefined;
      user: ByteString;
      delayMs: number;
      error: ErrorData;
    }
  | {
      kind: 'rolling:quarantined';
      channel: string | undefined;
      user: ByteString;
      failures: number;
      delayMs: number;
      error: ErrorData;
    }
  | { kind: 'rolling:released'; channel: string | undefined; user: ByteString }
  /** Its sync lock is held, or a skipuser file asks to leave it alone. Said once until it gets on. */
  | { kind: 'rolling:parked'; channel: string | undefined; user: ByteString }
  | { kind: 'rolling:backlog'; backlog: Backlog };

/** How far behind rolling replication is. */
export interface Backlog {
  channel: string | undefined;
  /** In the log, and taken from it but not done. */
  lines: number;
  /** Age of the oldest of them in milliseconds; undefined if there is none. */
  oldestMs: number | undefined;
  /** Users and shared mailboxes that are being replicated at this moment. */
  inFlight: number;
  /** Units of work that wait. */
  waiting: number;
  /** Users whose sync lock is held by somebody else. */
  locked: number;
  quarantined: { user: ByteString; failures: number; retryMs: number; error: ErrorData | undefined }[];
  /** When something was last replicated without a failure, milliseconds since the epoch. */
  lastSuccess: number | undefined;
  link: 'up' | 'down';
}

/**
 * Something for the log that is not one of the above: the text is the C client's (algorithm 11.3) wherever it
 * has one, so that existing alerts go on working.
 */
export interface NoticeEvent {
  kind: 'notice';
  level: 'error' | 'warning' | 'notice' | 'info' | 'debug';
  text: string;
}

export type EventListener = (event: SyncEvent) => void;
