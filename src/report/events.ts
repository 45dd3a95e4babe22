/**
 * The door of `report`. Here is the catalogue of what can happen, and everybody who tells of it: verbose lines, log, progress,
 * the files of failures and of the report. All rooms may import it, and it imports none. The words of the C client and of this
 * program stand here alone. Nothing that a peer or a file put into a name makes a line of its own or steers a terminal, and a
 * sink that cannot be written stops no replication.
 */

import type { ByteString } from '../byte-string.ts';
import type { Difference } from './difference.ts';
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
  | VerifyEvent
  | HookEvent
  | RollingEvent;

export type RunEvent =
  /** The command line or the configuration holds something that is hardly meant. */
  | { kind: 'run:warning'; text: string; hint: string }
  | { kind: 'run:start'; server: string; mode: 'all' | 'users' | 'mailboxes' | 'meta'; connections: number }
  /** The replica has no place for annotations of the server, which are left out. */
  | { kind: 'annotations:of-server-refused' }
  /** Enumeration goes on while users are already synced; `complete` says that the totals are final. */
  | { kind: 'run:discovered'; users: number; messages: number; complete: boolean }
  | { kind: 'run:parked'; key: string; user: ByteString }
  | { kind: 'run:retry'; key: string; user: ByteString; delayMs: number; error: ErrorData }
  /** So many connections may there be from now on, and why there are no more. */
  | { kind: 'run:connections'; most: number; why: WhyNoMore }
  /** The settings file was read again: what holds from now on, and what only from the next start on. */
  | { kind: 'run:settings-read'; now: readonly string[]; later: readonly string[] }
  /** Whoever steers has changed something. */
  | ({ kind: 'run:steered' } & SteeringChange)
  /** Told at the end: what was asked for by a name that nothing here has. */
  | ({ kind: 'run:unmatched' } & UnmatchedName)
  /** Somebody asked how things stand (SIGUSR1). */
  | { kind: 'run:status'; status: RunStatus }
  /** A signal asked for the end: nothing is begun any more. */
  | { kind: 'run:stopping' }
  | { kind: 'run:end'; summary: RunSummary };

/**
 * `asked`: so many were asked for, or, of `auto`, are the most. `jobs`: there is no work for more. `begin`: it has just begun,
 * or what is left is soon done. `pays-not`: more would not be faster. `host-busy`: this host has no processor for more.
 * `replica-full`: it refused one more. `open-files`: this process may open no more.
 */
export type WhyNoMore = 'asked' | 'jobs' | 'begin' | 'pays-not' | 'host-busy' | 'replica-full' | 'open-files';

export type SteeringChange =
  | { what: 'connections'; limit: number | 'auto' }
  /** Octets a second; undefined = no limit. */
  | { what: 'bwlimit'; octetsPerSecond: number | undefined }
  /** All reasons for which nothing goes on; empty = it goes on. */
  | { what: 'pauses'; reasons: readonly string[] }
  | { what: 'now' | 'skip' | 'unskip'; user: ByteString }
  /** `failedKey`: of the job whose last word this takes back. */
  | { what: 'retry'; user: ByteString; failedKey?: string | undefined }
  | { what: 'stop' };

/** A name that matched nothing. */
export interface UnmatchedName {
  mode: 'all' | 'users' | 'mailboxes' | 'meta';
  /** A userid, an internal mailbox name or, for `all`, the prefix; '' = no name was given, or nothing is here at all. */
  name: ByteString;
  guess: Guess | undefined;
}

/** The name that was probably meant; `name` is of the same sort as the name that matched nothing. */
export type Guess =
  /** It has characters that patterns are made of, and no mode takes patterns. */
  | { why: 'pattern' }
  /** Nobody is left by what was included, excluded or made the part of another run; name is ''. */
  | { why: 'choice' }
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
  octetsUploaded: number;
  mailboxesUpdated: number;
  elapsedMs: number;
  /** That were up at one time. */
  connections: { most: number; why: WhyNoMore };
  failures: { user: ByteString; error: ErrorData }[];
  /** Those who never had their turn, or had not come to its end: the run was stopped, or could not go on. */
  unreached: { user: ByteString; mailboxes?: ByteString[] | undefined }[];
  /** Everybody was found who was to be replicated. */
  allFound: boolean;
  /** Why it ended before everybody was reached; also undefined if an error ended it. */
  stoppedBy?: 'signal' | 'max-errors' | 'max-duration' | 'skip' | undefined;
}

/** How things stand in the middle of a run. */
export interface RunStatus {
  /** One word (operations). */
  state: string;
  /** Why, where there is something to say. */
  reason?: string | undefined;
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
  /** How many there may be by now, and why no more; null: nothing has begun. */
  connectionsMost: { most: number; why: WhyNoMore } | null;
  messages: number;
  octets: number;
  elapsedMs: number;
}

export type ConnectionEvent =
  | {
      kind: 'connection:open';
      /** Unique in this process. */
      connection: string;
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
  /** `connection` undefined: found out about the link as a whole. */
  | { kind: 'connection:lost'; connection?: string | undefined; server: string; error: ErrorData }
  /** It takes connections and loses them, whoever is at work on them. `error`: what it said last, if it said anything. */
  | { kind: 'replica:ill'; server: string; error: ErrorData; retryInSeconds: number | undefined }
  /** This host has no more descriptors. `limit` of this process on them, where it is known. */
  | { kind: 'host:out-of-files'; limit: number | undefined; retryInSeconds: number; error: ErrorData }
  /** Traffic and the work of the replica since this was told before: now and then, and at the end of the connection. */
  | {
      kind: 'connection:traffic';
      connection: string;
      sentOctets: number;
      receivedOctets: number;
      answers: number;
      servedMs: number;
    }
  /** In the middle: the link turned out to be slow. `level` of zlib, `rate` in octets a second before. */
  | { kind: 'connection:compressed'; server: string; level: number; rate: number }
  /** In good order: by us, by the replica while nothing was under way, or as everything is being stopped. */
  | { kind: 'connection:closed'; connection: string; server: string }
  /** In good order, by the replica, while nothing was under way. */
  | { kind: 'replica:closed-idle'; server: string }
  /** It refused a connection beside others that are up; the run goes on with so many. */
  | { kind: 'replica:full'; server: string; connections: number }
  /** It was to stage on its archive partition (`-a`), and does not know how. */
  | { kind: 'replica:no-archive'; server: string }
  /** A line that the server of the master, started for this run, wrote on its stderr. */
  | { kind: 'master:said'; line: string }
  /** A worker thread threw outside of any job. */
  | { kind: 'thread:failed'; error: ErrorData }
  | { kind: 'traffic'; direction: 'sent' | 'received'; text: Uint8Array };

export type UserEvent =
  /** Another connection will take it up. */
  | { kind: 'job:postponed'; key: string; wayMs: number; backlogMs: number | undefined }
  /** A connection is at work for a job, or in rolling mode for a unit, from here on to `work:ended` of the same key. */
  | ({ kind: 'work:begun' } & Work)
  /** At once, before the batch is over. `size` in messages, as they were counted in `run:discovered`. */
  | ({ kind: 'work:ended'; result: WorkResult; size: number } & Work)
  | { kind: 'user:start'; user: ByteString; work: 'user' | 'meta' | 'mailboxes' }
  | { kind: 'user:absent'; user: ByteString }
  /** A user or mailbox that is not here, and nothing says that it ever was. A deleted mailbox counts, a deleted user not. */
  | { kind: 'name:absent'; name: ByteString }
  /** Skipped (`-N`). `mailboxes`: the job was these mailboxes rather than a user. */
  | { kind: 'user:locked'; user: ByteString; mailboxes?: ByteString[] | undefined }
  /** Settled: told with the batch that it was in. */
  | { kind: 'user:done'; user: ByteString }
  /** `mailboxes`: the job was these rather than a user. */
  | {
      kind: 'user:failed';
      user: ByteString;
      work: 'user' | 'meta' | 'mailboxes';
      mailboxes?: ByteString[] | undefined;
      error: ErrorData;
    }
  /**
   * The last word on a user, or on a group of mailboxes: told once for each, those not reached included. One that had failed and
   * was asked for again has another, which takes its place.
   */
  | ({ kind: 'user:settled' } & UserSettled)
  /** Both sides were compared, before `user:settled`. */
  | { kind: 'user:graded'; user: ByteString; grade: Grade; differences: number }
  /** The master's server could not be asked to move the scripts into a mailbox: they go one by one. */
  | { kind: 'user:scripts-as-files'; user: ByteString; error: ErrorData }
  /** Messages that the replica now has (uploaded or found there), for progress. */
  | { kind: 'user:progress'; user: ByteString; messages: number; octets: number };

/** Its sync lock is held; an order asks to leave the user alone; a skipuser file does. */
export type WhyParked = 'locked' | 'skipped' | 'skip-file';

/** A connection's work at this moment. */
export interface Work {
  key: string;
  connection: string;
  /** More than one where they are tied together; '' for mailboxes of nobody. */
  users: readonly ByteString[];
  /** These rather than all of the users. */
  mailboxes?: readonly ByteString[] | undefined;
}

export type WorkResult = 'synced' | 'absent' | 'locked' | 'failed' | 'postponed';

export interface UserSettled {
  key: string;
  /** '' for mailboxes that are not all of one user. */
  user: ByteString;
  /** The job was these mailboxes rather than a user. */
  mailboxes?: ByteString[] | undefined;
  status: SettledStatus;
  /** In place of a last word that was `failed`. */
  again?: boolean | undefined;
  error?: ErrorData | undefined;
  effort: Effort;
}

/** The work done for a user, all attempts together. */
export interface Effort {
  attempts: number;
  /** Attempts that came to nothing because somebody else had the lock. */
  lockWaits: number;
  mailboxes: number;
  messages: number;
  octets: number;
  elapsedMs: number;
}

export type MailboxEvent =
  /** It had changed on both sides. `changed`: who was written to. */
  | { kind: 'mailbox:merged'; name: ByteString; changed: 'replica' | 'both' }
  /** Only the replica has it, and nothing here proves that it was deleted. */
  | { kind: 'mailbox:replica-only'; name: ByteString; uniqueid: ByteString; inDeleted: boolean }
  /** Left out, because its file here is not what the index says. */
  | { kind: 'message:damaged'; user: ByteString; name: ByteString; damage: MessageDamage }
  /** Both sides hold what does not follow from the other's, and a full comparison has to settle it. */
  | { kind: 'mailbox:diverged'; name: ByteString; reason: DivergedReason; detail: string }
  /** A merge did more with one message than to send it. A side without a record of it has no GUID. */
  | {
      kind: 'message:merged';
      name: ByteString;
      uid: number;
      rule: Exclude<MergeRule, 'sent'>;
      masterGuid: string | undefined;
      replicaGuid: string | undefined;
    }
  /** It is in step, but that the replica counts none of its conversations, whatever it was told before. */
  | { kind: 'mailbox:conversations-uncounted'; name: ByteString }
  /** The checksum in the index is not that of the records, which was counted and taken instead. */
  | { kind: 'mailbox:checksum-stale'; name: ByteString; stored: Checksums; counted: Checksums }
  /** It was to be removed from the replica, and no tombstone proves that it was deleted. */
  | { kind: 'mailbox:no-tombstone'; name: ByteString }
  /** The replica opens no name of so many octets, so that the mailbox is left out. */
  | { kind: 'mailbox:name-too-long'; name: ByteString; longestName: number; inDeleted: boolean }
  /** The replica's Cyrus has no such mailboxes, so that it is left out. */
  | { kind: 'mailbox:unknown-there'; name: ByteString }
  /** The replica has another mailbox in its place. `command`: what would have been refused. */
  | {
      kind: 'mailbox:blocked';
      name: ByteString;
      command: 'MAILBOX' | 'RENAME';
      uniqueid: ByteString;
      otherUniqueid: ByteString;
    }
  | { kind: 'mailbox:failed'; name: ByteString; error: ErrorData }
  /** A part beside its messages cannot be read here, and stays on the replica as it is. */
  | { kind: 'mailbox:part-unread'; error: ErrorData }
  /** Mailboxes that were not sent because the one above them is not on the replica. */
  | { kind: 'mailbox:held-back'; above: ByteString; names: readonly ByteString[] };

export type DivergedReason =
  | 'uidvalidity-higher-on-replica'
  | 'modseq-higher-on-replica'
  | 'uid-higher-on-replica'
  | 'xconvmodseq-higher-on-replica'
  | 'cleaned-up-on-master'
  | 'crc-differs-at-same-modseq'
  | 'crc-differs-below-append'
  | 'changed-on-replica'
  | 'modseq-coincides'
  | 'checksum-refused';

/** The rule by which one UID is merged; the numbers are the rows of the decision table (algorithm 7.1). */
export type MergeRule =
  | 'replica-newer' // 3
  | 'master-kept' // 4
  | 'expunged-on-master' // 5
  | 'expunged-on-replica' // 6
  | 'both-renumbered' // 7
  | 'master-renumbered' // 7a, 9, 10
  | 'replica-renumbered' // 8, 15
  | 'replica-expunged' // 8a, 14
  | 'sent' // 11, and 4 and 5 where the replica has seen nothing as new
  | 'modseq-bumped' // 12
  | 'copied-back'; // 16

/** SYNC_CRC and SYNC_CRC_ANNOT. */
export interface Checksums {
  crcBasic: number;
  crcAnnotations: number;
}

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

/** Found by one attempt at a job: told when no other attempt follows that may find something else, right before `user:settled`. */
export type Evidence = Extract<
  SyncEvent,
  { kind: 'verify:difference' | 'verify:unmended' | 'verify:verdict' | 'user:graded' }
>;

export type VerifyEvent =
  /** One thing that differs; told only once it is sure, before the verdict on its user. */
  | { kind: 'verify:difference'; difference: Difference }
  /** Differences of this mailbox were not to be mended. */
  | { kind: 'verify:unmended'; user: ByteString; name: ByteString; error: ErrorData }
  /** Users and mailboxes that only the replica has were looked for; or the reason why they were not. */
  | ({ kind: 'verify:listed' } & Listing)
  | { kind: 'verify:verdict'; user: ByteString; verdict: Verdict; mailboxes: number; differences: number };

/** `not-imap`: the server speaks the replication protocol alone, which has no command for that. */
export type Listing =
  | { listing: 'asked' }
  | { listing: 'not-imap'; server: string }
  | { listing: 'failed'; server: string; error: ErrorData };

/**
 * `proven`: both sides are the same. `different`: they are not, and neither moved. `changing`: they never held still, or
 * what differs is still to be replicated. `repaired`: they differed, were replicated, and are the same now.
 */
export type Verdict = 'proven' | 'different' | 'changing' | 'repaired';

/** `channel` undefined = the default one. `user`: a userid, or the name of a shared mailbox as a part of a text (nameInText). */
export type RollingEvent =
  /** All of the user is on the replica, but for messages that are damaged here. */
  | { kind: 'rolling:damaged'; channel: string | undefined; user: ByteString; error: ErrorData }
  /** Lines were taken from the log; `units` of work is what they come to. */
  | {
      kind: 'rolling:pass';
      channel: string | undefined;
      file: string;
      lines: number;
      bad: number;
      units: number;
    }
  /** An earlier run left this file behind, with what it had not done. */
  | { kind: 'rolling:leftover'; file: string }
  | { kind: 'rolling:bad-line'; file: string; line: number; expected: string; found: string }
  | {
      kind: 'rolling:retry';
      channel: string | undefined;
      user: ByteString;
      /** Since the last success, as in `rolling:quarantined`. */
      failures: number;
      delayMs: number;
      error: ErrorData;
    }
  /** Told once, until it is `released`; further failures are `rolling:retry`. */
  | {
      kind: 'rolling:quarantined';
      channel: string | undefined;
      user: ByteString;
      failures: number;
      delayMs: number;
      error: ErrorData;
    }
  | { kind: 'rolling:released'; channel: string | undefined; user: ByteString }
  /** It is left alone for now. Said once for each reason until it gets on. */
  | { kind: 'rolling:parked'; channel: string | undefined; user: ByteString; why: WhyParked }
  /** All that the log asked for of these is on the replica; `lagMs` after the oldest line that asked for it. */
  | {
      kind: 'rolling:replicated';
      channel: string | undefined;
      users: readonly ByteString[];
      lagMs: number;
    }
  /** An action that failed is tried as a wider one. */
  | { kind: 'rolling:promoted'; from: ActionName; to: ActionName }
  /** Handed back to the log for a later pass. `line`: as it stands there. */
  | { kind: 'rolling:deferred'; line: ByteString }
  /** It could not be handed back, so that whoever is locked waits here. */
  | { kind: 'rolling:not-deferred'; error: ErrorData }
  | { kind: 'rolling:restarted' }
  | { kind: 'rolling:restart-failed'; error: ErrorData }
  | { kind: 'rolling:take-failed'; file: string; error: ErrorData }
  /** Something beside taking it: the log cannot be cleared or looked at, or the shutdown file cannot be removed. */
  | { kind: 'rolling:file-failed'; error: ErrorData }
  /** All users, and shared mailboxes in groups, had their turn; or `error` says why not all. `untold`: failed or locked. */
  | {
      kind: 'rolling:full-pass';
      jobs: number;
      untold: number;
      elapsedMs: number;
      error: ErrorData | undefined;
    }
  | { kind: 'rolling:backlog'; backlog: Backlog };

/** One thing that a unit asks for, by the words of the sync log. */
export interface ActionName {
  type: 'MAILBOX' | 'QUOTA' | 'ANNOTATION' | 'SEEN' | 'SUB' | 'UNMAILBOX' | 'META' | 'USER' | 'UNUSER';
  operands: readonly ByteString[];
}

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
  quarantined: { user: ByteString; failures: number; retryMs: number; error: ErrorData }[];
  /** When something was last replicated without a failure, milliseconds since the epoch. */
  lastSuccess: number | undefined;
  link: 'up' | 'down';
}

export type HookEvent =
  /** A program of the operator has ended. `code` undefined: it could not be started, or was ended, as `reason` says. */
  | {
      kind: 'hook:ended';
      hook: string;
      program: string;
      code: number | undefined;
      reason: string | undefined;
      elapsedMs: number;
    }
  /** So many wait already, and it was not called; told once until they have ended. */
  | { kind: 'hook:left-out'; hook: string; most: number };

export type EventListener = (event: SyncEvent) => void;
