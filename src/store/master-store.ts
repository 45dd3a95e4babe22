import type { ByteString } from '../byte-string.ts';
import type { Synchronous } from '../native/lock-scope.ts';
import type { MessageStream } from '../protocol/replica-session.ts';
import type { SyncError } from '../report/sync-error.ts';

/**
 * The read-only view of a Cyrus master that the engine works from. Everything returned is plain data, a snapshot taken
 * under Cyrus's own locks (store 2.6); nothing here ever writes to the master.
 *
 * Numbers: UIDs, sizes, times (seconds since the epoch) and modseqs are JavaScript numbers. A modseq above 2^53-1
 * cannot occur in practice (one per change); a store that holds one is refused with MAILBOX_DAMAGED rather than rounded.
 */
export interface MasterStore {
  /** A view of its own for one job: what that has had refreshed is known to it alone, and forgotten with it. */
  forJob(): MasterStore;

  /**
   * Makes known what is asked about below, as it is now. A store on disk looks each time it is asked, and has nothing to do
   * here but where its list is keyed by names alone (before 3.6): there uniqueids are looked for, which takes a reading of
   * the whole list. One behind a server answers by what it was told at the latest refresh; of what was never refreshed it knows
   * nothing, and says so (BUG) rather than that there is none. Messages, records and limits are asked for each time.
   *
   * @throws SyncError what a server answers, or MASTER_SERVER_LOST
   */
  refresh(what: Refresh): Promise<void>;

  /**
   * Users and shared mailboxes in mailboxes.db order, each user once. Tombstones, intermediates and the DELETED
   * mailboxes of users are passed over (store 3.4); DELETED shared mailboxes are not. The database lock is
   * held for a page at a time, never across a yield.
   *
   * @param prefix internal mailbox name prefix (`-A PREFIX`)
   */
  enumerate(prefix?: ByteString): Generator<Enumerated>;

  /** Internal names of all live mailboxes that begin with `prefix`, read as `enumerate` does; nothing else is looked at. */
  names(prefix: ByteString): Generator<ByteString>;

  /** The user's mailboxes, intermediates and DELETED ones included, tombstones not; byte order, DELETED last. */
  mailboxesOf(userid: ByteString): MailboxEntry[];

  /** Internal name of the user's INBOX, whether it exists or not. */
  inboxName(userid: ByteString): ByteString;

  /** Owner by name alone, whether the mailbox exists or not; undefined for a shared one. */
  ownerOf(name: ByteString): ByteString | undefined;

  /** Looks up a row by internal name, tombstones and intermediates included. */
  lookup(name: ByteString): MailboxEntry | undefined;

  /**
   * Looks up a row by uniqueid (the `I` record's current name); undefined if none. A store older than 3.6 knows those that
   * the latest refresh asked for, as they were then, and no others; nor those of 2.4, whose rows have no uniqueids.
   */
  lookupUniqueid(uniqueid: ByteString): MailboxEntry | undefined;

  /**
   * Former internal names of a mailbox, newest first (`I` record, H); none in a store older than 3.6, and undefined in one
   * that does not tell, so that every mailbox may have had others.
   */
  formerNames(uniqueid: ByteString): ByteString[] | undefined;

  /**
   * Finds live mailboxes, DELETED ones included, that were once called so, by reading the whole list without holding the
   * thread up; none in a store that does not tell of former names.
   *
   * @returns internal names that they have now
   */
  livingOnceCalled(name: ByteString): Promise<ByteString[]>;

  /**
   * Reads a mailbox under the locks that Cyrus takes for it, all shared, and gives them back: user namespace, row looked
   * up again, mailbox name, index. Waits without blocking the thread, and never for one lock while it holds another.
   *
   * @param read cannot await, and is called again with the mailbox as it is then if a lock could not be had in time; what
   *   it returns is plain data, or `messages`
   * @returns undefined if the mailbox is gone, reserved, moving or marked deleted
   * @throws SyncError LOCK_TIMEOUT, MAILBOX_DAMAGED, IMAP_MAILBOX_NOTSUPPORTED, IO
   */
  readMailbox<T extends Synchronous>(
    name: ByteString,
    read: (mailbox: LockedMailbox) => T,
  ): Promise<T | undefined>;

  /** Says which mailboxes `readMailbox` will be called for next, in that order, to a store for which that takes a while. */
  expect(names: readonly ByteString[]): void;

  /**
   * Mailboxes of one owner as they are at one moment, without opening each: enough to see that nothing has changed.
   * Those that cannot be told that way are left out, be it that they have changed places since they were listed, that
   * something about them is damaged, or that this Cyrus has no lock that keeps all mailboxes of an owner still.
   */
  peek(entries: readonly MailboxEntry[]): Promise<ReadonlyMap<MailboxEntry, MailboxView>>;

  /** Octets and messages on disk, estimated from one stat of each index file: for scheduling only. */
  estimate(userid: ByteString): Estimate;
  estimateMailbox(entry: MailboxEntry): Estimate;

  /** Limits of a quota root; undefined if there is none, so that the replica's is to be removed. */
  quota(root: ByteString): Promise<QuotaEntry | undefined>;
  subscriptions(userid: ByteString): ByteString[];
  seen(userid: ByteString): SeenEntry[];
  /** Scripts of the user, from `#sieve`, or from the sieve directory where that is still the master copy. */
  sieve(userid: ByteString): Promise<SieveState>;
  /** The sieve directory alone. */
  scriptFiles(userid: ByteString): SieveState;
  /** Server-wide annotations (scope "" of annotations.db). */
  serverAnnotations(): Promise<Annotation[]>;

  /** The exclusive per-(server, user) sync lock of Cyrus (store 11.1); "" for shared mailboxes. */
  trySyncLock(server: string, userid: ByteString): Disposable | undefined;
  /** The lock of who has quota roots of that server made or removed: among processes of this program alone. */
  tryQuotaRootLock(server: string): Disposable | undefined;

  close(): void;
}

export interface Refresh {
  /** All of these users, and every name below theirs. */
  users?: readonly ByteString[];
  /** These mailboxes, and those above them. */
  names?: readonly ByteString[];
  /** Where mailboxes of these are now, whatever they are called. */
  uniqueids?: readonly ByteString[];
  /** Who there is, for `enumerate` and `names`. */
  everybody?: boolean;
}

/** `messages`: an estimate, for scheduling only. */
export type Enumerated =
  | { kind: 'user'; userid: ByteString; messages: number }
  | { kind: 'shared'; name: ByteString; messages: number }
  /** The list is locked by somebody else: to be asked again after other work. */
  | { kind: 'busy' };

export interface Estimate {
  mailboxes: number;
  messages: number;
}

export interface MailboxEntry {
  /** Internal name: `user.alice.Sent`, `dom!user.x`, `DELETED.user.alice.Gone.6B04D978`. */
  name: ByteString;
  uniqueid: ByteString;
  /** JMAP clients know it by this: only in stores of the development line, 3.13. */
  jmapid?: ByteString | undefined;
  /** Wire MBOXTYPE: T without `l`; '' for plain mail. */
  type: string;
  intermediate: boolean;
  /** A tombstone row. */
  deleted: boolean;
  legacyDirs: boolean;
  partition: ByteString | undefined;
  /** Wire form: `ident TAB rights TAB ...`. */
  acl: ByteString;
  uidvalidity: number;
  createdmodseq: number;
  foldermodseq: number;
  /** Owner, or undefined for a shared mailbox; also for DELETED ones. */
  userid: ByteString | undefined;
  /** The mailbox is in the DELETED namespace. */
  inDeleted: boolean;
}

/** All of a mailbox but its messages. */
export interface MailboxView {
  readonly entry: MailboxEntry;
  readonly state: MailboxState;
  /** Mailbox-level annotations, wire order. */
  readonly annotations: Annotation[];
}

/** A mailbox under its locks, for as long as `readMailbox` runs. */
export interface LockedMailbox extends MailboxView {
  /** Records in UID order, a page at a time, each page good until the next one. `fromUid` skips ahead by binary search. */
  pages(fromUid?: number): Generator<RecordPage>;
  /** Good for ever: whoever has it holds no lock. */
  readonly messages: MailboxMessages;
}

export interface MailboxMessages {
  /**
   * Keeps the files of these messages open, of the last ones if they are many, so that `readMessage` has them although they
   * are removed meanwhile. Is called under the mailbox's locks; what cannot be opened is not kept.
   *
   * @returns gives them up
   */
  keepFiles(records: readonly IndexRecord[]): Disposable;
  /**
   * The octets of a message, checked against the size and GUID of its record; undefined for an expunged one whose file
   * is gone.
   *
   * @param record of this mailbox, as it was when its locks were held
   * @param into read into this, which has room for `record.size` octets and one more, instead of memory of its own
   * @throws SyncError IMAP_SYNC_CHANGED (family `local`) if the message has been removed since: read the mailbox again;
   *   MESSAGE_UNREADABLE if it should be there
   */
  readMessage(record: IndexRecord, into?: Buffer): Promise<MessageContent | undefined>;
}

/** Whole, or for a very large message a stream. */
export type MessageContent = Buffer | MessageStream;

/** The content of one MAILBOX line, apart from records: cyrus.index header, cyrus.header, row, counters, conversations. */
export interface MailboxState {
  indexVersion: number;
  /** Messages that are not expunged; undefined in a peek that has not counted them. */
  exists: number | undefined;
  lastUid: number;
  highestmodseq: number;
  /** Modseq up to which expunged messages were cleaned up; undefined where nothing tells. */
  deletedmodseq: number | undefined;
  recentuid: number;
  recenttime: number;
  lastAppenddate: number;
  pop3LastLogin: number;
  pop3ShowAfter: number;
  uidvalidity: number;
  /** Letters in the order P S D A. */
  options: string;
  /** 0 = absent (not sent). */
  xconvmodseq: number;
  raclmodseq: number;
  createdmodseq: number;
  foldermodseq: number;
  /** Both as stored in the index header. */
  crcBasic: number;
  crcAnnotations: number;
  quotaroot: ByteString | undefined;
  /** Keywords that the mailbox knows, those included that no message has any more; undefined where nothing tells. */
  keywords?: readonly ByteString[] | undefined;
  /**
   * Groups that the mailbox's owner is in, with tabs in between, '' for none; undefined where nothing tells. Each mailbox
   * of a user tells them.
   */
  groups?: ByteString | undefined;
  /** JMAP clients of the owner are given short ids (development line, 3.13). */
  compactEmailids?: boolean | undefined;
  /** Parts that stand here as if there were none, because their files cannot be read. */
  unread: readonly UnreadPart[];
}

/** Something beside the messages of a mailbox, kept in a file of its own, without which the rest is still sound. */
export interface UnreadPart {
  part: 'xconvmodseq' | 'raclmodseq' | 'annotations';
  path: string;
  error: SyncError;
}

/** Records of one read of the index file. Accessors avoid building an object for records that are only looked at. */
export interface RecordPage {
  readonly count: number;
  uid(i: number): number;
  modseq(i: number): number;
  /** 20 raw octets all zero. */
  guidIsNull(i: number): boolean;
  /** 40 lower-case hex digits. */
  guid(i: number): string;
  size(i: number): number;
  expunged(i: number): boolean;
  unlinked(i: number): boolean;
  archived(i: number): boolean;
  /** The whole record, flags and annotations (stored and virtual, wire order) included. */
  record(i: number): IndexRecord;
}

/** One message as the wire shows it (protocol 9.2). */
export interface IndexRecord {
  uid: number;
  modseq: number;
  lastUpdated: number;
  /** Wire order: \Deleted \Answered \Flagged \Draft \Expunged \Seen, then user flags by slot. */
  flags: ByteString[];
  internaldate: number;
  size: number;
  guid: string;
  annotations: Annotation[];
  unlinked: boolean;
  archived: boolean;
}

export interface Annotation {
  entry: ByteString;
  /** '' = shared. */
  userid: ByteString;
  modseq: number;
  value: ByteString;
}

export interface QuotaEntry {
  root: ByteString;
  /** -1 = unlimited. KiB for storage and annotation storage. */
  storage: number;
  messages: number;
  annotationStorage: number;
  folders: number;
  modseq: number;
}

export interface SeenEntry {
  uniqueid: ByteString;
  lastread: number;
  lastuid: number;
  lastchange: number;
  seenuids: ByteString;
}

export interface SieveScript {
  /** `name.script`. */
  filename: ByteString;
  lastUpdate: number;
  /** SHA-1 of the content, hex. */
  guid: string;
  content: Buffer;
}

export interface SieveState {
  /** Where the master keeps them: as messages of `#sieve` (3.6+), or still as files. */
  source: 'mailbox' | 'directory' | 'none';
  scripts: SieveScript[];
  /** `name.bc` of the active script. */
  active: ByteString | undefined;
}
