/**
 * The door of `protocol`, with `connect/connect-replica.ts`: what others know of a replica. Here calls become octets on a socket,
 * and octets plain data that has been checked. The room opens sockets and reads certificates, and knows nothing of stores and
 * jobs. One command is one line whatever its fields hold, and nothing that a peer sends comes in unless it is what it claims to be.
 */

import type { ByteString } from '../byte-string.ts';
import type { SyncError } from '../report/sync-error.ts';

/**
 * One connection to a replica, one async method per command (protocol 9 to 11).
 *
 * Calling without awaiting is pipelining: commands go out in call order, answers resolve in that order. A NO or BAD
 * rejects only its own promise (SyncError family `refused`); a broken link rejects every command in flight and every
 * later one (family `link`). The caller awaits only what it truly depends on.
 */
export interface ReplicaSession {
  readonly info: SessionInfo;
  readonly broken: boolean;
  /** Milliseconds that the replica was at work on this connection's commands; its way here and back is not in it. */
  readonly servedMs: number;
  /** Milliseconds that an answer needs on its way, as the quickest one showed; infinite before the first. */
  readonly wayMs: number;
  /**
   * Milliseconds that the replica will be at work on mailboxes and messages that it has not answered, by what it took for
   * those so far; undefined: it has not been seen at work on enough of them.
   */
  readonly backlogMs: number | undefined;
  /** Milliseconds that the replica took for a mailbox or message to store, in the mean; undefined: it has answered too few. */
  readonly storeMs: number | undefined;
  /** Since the connection was made. */
  readonly traffic: WireTraffic;

  /** Resolves when what is written or queued and not answered yet is below the window: await it before each upload slice. */
  window(): Promise<void>;

  /** @param onUnusable without it one mailbox that cannot be used fails the command */
  getUser(userid: ByteString, onUnusable?: OnUnusable): Promise<ReplicaUser>;
  getMailboxes(names: readonly ByteString[], onUnusable?: OnUnusable): Promise<ReplicaMailbox[]>;
  /** Mailboxes wherever they are, under whatever name; none from a server before 3.2, which refuses. */
  getUniqueids(uniqueids: readonly ByteString[]): Promise<ReplicaMailbox[]>;
  getMeta(userid: ByteString): Promise<ReplicaUser>;
  getAnnotation(name: ByteString): Promise<WireAnnotation[]>;
  /** Records are handed over as they arrive and are not kept. */
  getFullMailbox(name: ByteString, onRecord: (record: WireRecord) => void): Promise<ReplicaMailbox>;
  /** The message's octets; one message must fit in memory. */
  fetchMessage(what: MessageAddress): Promise<Buffer>;

  /** @returns the GUIDs that the replica does not have. */
  applyReserve(
    partition: ByteString,
    folders: readonly ByteString[],
    guids: readonly string[],
  ): Promise<Set<string>>;
  applyMessages(messages: readonly MessageUpload[]): Promise<void>;
  applyMailbox(mailbox: WireMailbox, records: Iterable<WireRecord>): Promise<void>;
  applyRename(rename: RenameRequest): Promise<void>;
  /**
   * @param local -L: no mupdate traffic on the replica
   * @param meant what the name stood for: where the replica has another by now, one that can tell refuses with
   *   IMAP_MAILBOX_MOVED (`unmailboxTakesId`)
   */
  applyUnmailbox(name: ByteString, local?: boolean, meant?: MeantMailbox): Promise<void>;
  applySub(userid: ByteString, name: ByteString): Promise<void>;
  applyUnsub(userid: ByteString, name: ByteString): Promise<void>;
  applySeen(userid: ByteString, seen: WireSeen): Promise<void>;
  applyQuota(quota: ReplicaQuota, modseq: number): Promise<void>;
  applyUnquota(root: ByteString): Promise<void>;
  applyAnnotation(name: ByteString, annotation: WireAnnotation): Promise<void>;
  applyUnannotation(name: ByteString, entry: ByteString, userid: ByteString): Promise<void>;
  applySieve(userid: ByteString, filename: ByteString, lastUpdate: number, content: Buffer): Promise<void>;
  applyUnsieve(userid: ByteString, filename: ByteString): Promise<void>;
  applyActivateSieve(userid: ByteString, filename: ByteString): Promise<void>;
  applyUnactivateSieve(userid: ByteString): Promise<void>;
  applyUnuser(userid: ByteString): Promise<void>;
  /** Drops the stage: every GUID reserved or uploaded before must not be relied on after. */
  restart(): Promise<void>;
  noop(): Promise<void>;

  /** EXIT (or LOGOUT), then the socket is closed. Never rejects. */
  exit(): Promise<void>;
  /** Closes at once; commands in flight reject with `reason` or LINK_BROKEN. */
  destroy(reason?: Error): void;
}

/** Commands besides, for a server whose mailboxes are read rather than written: the master's. */
export interface MasterSession extends ReplicaSession {
  /** Limits of a quota root; undefined if there is none. */
  getQuota(root: ByteString): Promise<MasterQuota | undefined>;
  /** The content of one script, of a server that replicates scripts by commands of their own. */
  fetchScript(userid: ByteString, filename: ByteString): Promise<Buffer>;
}

/** Octets of a connection, compressed as they went, without those that TLS adds. */
export interface WireTraffic {
  sentOctets: number;
  receivedOctets: number;
  /** Commands that were answered. */
  answers: number;
}

export type Exposure = 'clear' | 'unverified';

/** Told of a mailbox that an answer has, and that is left out of the result because a field of it is not what it must be. */
export type OnUnusable = (mailbox: ByteString, error: SyncError) => void;

export interface SessionInfo {
  /** The operator's own spelling. */
  server: string;
  flavour: 'csync' | 'imap';
  banner: string;
  mechanism: string | undefined;
  tls: boolean;
  /** The power of somebody on the way to another host: to read and change all of it, or to be in the replica's place. */
  exposure: Exposure | undefined;
  compression: boolean;
  /** A capability once enabled stays so for the next client of that process, unless UNAUTHENTICATE takes it back (protocol 10.15). */
  keepsWhatIsEnabled: boolean;
  /** `#sieve` is replicated as a mailbox (CAPABILITIES SIEVE-MAILBOX enabled). */
  sieveMailbox: boolean;
  /** New messages are staged on the replica's archive partition (CAPABILITIES REPLICATION-ARCHIVE enabled). */
  stagesToArchive: boolean;
  /**
   * A MAILBOX with another SINCE_MODSEQ than the replica's own is refused, and nothing is changed (protocol 12):
   * true from Cyrus 3.2 on, known from SIEVE-MAILBOX, which came with 3.6.
   */
  checksSince: boolean;
  /** Octets of an internal name that the server can open; longer ones it can only store. */
  longestName: number;
  /** The answer to GET USER has intermediates: not before Cyrus 3.4, where each would seem to be missing for ever. */
  listsIntermediates: boolean;
  /** Mailboxes of JMAP notifications have a type: before Cyrus 3.8 they are taken for mail, or end the server (3.6). */
  takesNotifications: boolean;
  /** MAILBOX may tell keywords that no message has (USERFLAGS): from Cyrus 3.12 on. */
  takesKeywords: boolean;
  /** MAILBOX tells the groups of its owner (USERGROUPS): from Cyrus 3.12 on. */
  takesGroups: boolean;
  /** MAILBOX tells JMAPID, VERSION, COMPACT_EMAILIDS and DELETEDMODSEQ: the development line, 3.13, and what follows it. */
  takesDevelopmentFields: boolean;
  /** UNMAILBOX may say which mailbox is meant, and removes no other (UNMAILBOX-ID). */
  unmailboxTakesId: boolean;
  /** UNUSER removes what is in the DELETED namespace too: before Cyrus 3.4. */
  unuserTakesDeleted: boolean;
  /** GET UNIQUEIDS may be asked of ids that it does not have: before Cyrus 3.6 its process may end at one. */
  findsUniqueids: boolean;
}

/** A MAILBOX line of the wire without its records; optional fields absent or 0 when not given (protocol 9.1). */
export interface ReplicaMailbox {
  uniqueid: ByteString;
  name: ByteString;
  type: string;
  crcBasic: number;
  crcAnnotations: number;
  lastUid: number;
  highestmodseq: number;
  recentuid: number;
  recenttime: number;
  lastAppenddate: number;
  pop3LastLogin: number;
  pop3ShowAfter: number;
  xconvmodseq: number;
  raclmodseq: number;
  uidvalidity: number;
  partition: ByteString | undefined;
  acl: ByteString;
  options: string;
  quotaroot: ByteString | undefined;
  createdmodseq: number;
  foldermodseq: number;
  /** Groups that the owner is in, with tabs in between, '' for none; undefined where that is not told (`takesGroups`). */
  groups?: ByteString | undefined;
  /** Keywords that the mailbox knows, whether or not a message has them; told and taken by 3.12 and newer (`takesKeywords`). */
  keywords?: readonly ByteString[] | undefined;
  annotations: WireAnnotation[];
}

/** A mailbox whatever its name is, as it was listed. */
export type MeantMailbox = Pick<ReplicaMailbox, 'type' | 'uniqueid' | 'uidvalidity'>;

/** The fields that APPLY MAILBOX sends: the same ones, and the state it builds on. */
export interface WireMailbox extends Omit<ReplicaMailbox, 'crcAnnotations'> {
  /** undefined leaves SYNC_CRC_ANNOT out, as a partial update does. */
  crcAnnotations: number | undefined;
  since: { modseq: number; crcBasic: number; crcAnnotations: number } | undefined;
  /** For a replica that takes them (`takesDevelopmentFields`), and only of a store that has them. */
  jmapid?: ByteString | undefined;
  indexVersion?: number | undefined;
  compactEmailids?: boolean | undefined;
  deletedmodseq?: number | undefined;
  /** Rows without storage are sent in their short form. */
  intermediate: boolean;
  /** -L: no mupdate traffic on the replica. */
  local: boolean;
}

export interface WireRecord {
  uid: number;
  modseq: number;
  lastUpdated: number;
  flags: readonly ByteString[];
  internaldate: number;
  size: number;
  guid: string;
  annotations: readonly WireAnnotation[];
}

export interface WireAnnotation {
  entry: ByteString;
  userid: ByteString;
  modseq: number;
  value: ByteString;
}

export interface WireSeen {
  uniqueid: ByteString;
  lastread: number;
  lastuid: number;
  lastchange: number;
  seenuids: ByteString;
}

export interface ReplicaQuota {
  root: ByteString;
  /** -1 = unlimited. */
  storage: number;
  messages: number;
  annotationStorage: number;
  folders: number;
}

export interface MasterQuota extends ReplicaQuota {
  modseq: number;
}

export interface ReplicaSieve {
  filename: ByteString;
  lastUpdate: number;
  guid: string;
  active: boolean;
}

export interface ReplicaUser {
  mailboxes: ReplicaMailbox[];
  quotas: ReplicaQuota[];
  seen: WireSeen[];
  subscriptions: ByteString[];
  sieve: ReplicaSieve[];
}

export interface MessageAddress {
  mailbox: ByteString;
  partition: ByteString;
  uniqueid: ByteString;
  guid: string;
  uid: number;
}

/**
 * The octets of a very large message, whose total was checked beforehand. It may hold a file open before its first octet is
 * asked for, so whoever has it disposes of it, read or not; doing so twice, or after the end, is harmless.
 */
export interface MessageStream extends AsyncIterable<Buffer>, Disposable {}

/** A message to stage. `content` is exactly `size` octets, already checked against its GUID. */
export interface MessageUpload {
  partition: ByteString;
  guid: string;
  size: number;
  /** A stream passes to the session with the call: it disposes of it, whatever becomes of the command. */
  content: Buffer | MessageStream;
}

export interface RenameRequest {
  oldName: ByteString;
  newName: ByteString;
  partition: ByteString;
  uidvalidity: number;
  local: boolean;
}
