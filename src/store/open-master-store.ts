/**
 * The door of `store`: a read-only view of the Cyrus master on this host; `master-store.ts` is what it gives, as an
 * interface. The store may use `native`, and knows nothing of the replica, the protocol or the run. It takes the locks that
 * Cyrus's own processes respect and holds none while anything is awaited, never writes, and hands out plain data, each
 * piece as it was at one moment. What cannot be read is an error that names the file, never "there is none".
 */

import type { ByteString } from '../byte-string.ts';
import type { Synchronous } from '../native/lock-scope.ts';
import { SyncError } from '../report/sync-error.ts';
import { KeptDatabases } from './cyrusdb/kept-database.ts';
import { tryLockFile } from './files/while-file-locked.ts';
import { MailboxPeeker } from './mailbox/mailbox-peeker.ts';
import { MailboxReader } from './mailbox/mailbox-reader.ts';
import { MailboxStates } from './mailbox/mailbox-states.ts';
import { readScopes } from './mailbox/message-annotations.ts';
import { withUniqueid } from './mailbox/read-cyrus-header.ts';
import { estimateMessages } from './mailbox-list/estimate-messages.ts';
import { MailboxList } from './mailbox-list/mailbox-list.ts';
import type {
  Annotation,
  Enumerated,
  Estimate,
  LockedMailbox,
  MailboxEntry,
  MailboxView,
  MasterStore,
  QuotaEntry,
  Refresh,
  SeenEntry,
  SieveState,
} from './master-store.ts';
import { quotaRootLockPath, syncLockPath } from './paths/lock-paths.ts';
import { parseInternalName, parseUserid, toDbname, toInternalName, useridOf } from './paths/mailbox-name.ts';
import type { StoreLayout } from './paths/store-layout.ts';
import { sieveDirectory, type UserFile, userFilePath } from './paths/user-paths.ts';
import { readQuota } from './user/read-quota.ts';
import { readSeen } from './user/read-seen.ts';
import { NO_SIEVE, readSieveDirectory } from './user/read-sieve-directory.ts';
import { readSieveMailbox } from './user/read-sieve-mailbox.ts';
import { readSubscriptions } from './user/read-subscriptions.ts';

/** Scope of annotations.db for the server as a whole. */
const SERVER_SCOPE = '';
/** mailboxes.db, annotations.db, and the conversations of the users at work: up to 2 MiB of memory each. */
const KEPT_DATABASES = 8;

/**
 * The store of the Cyrus that `layout` describes, read in place. Opens nothing until it is asked something.
 *
 * Every method may throw SyncError: DATABASE_DAMAGED, DATABASE_UNSUPPORTED, LOCK_TIMEOUT, PARTITION_UNKNOWN, IO, and
 * what MasterStore says for it.
 */
export function openMasterStore(layout: StoreLayout, server?: ServerBehind): MasterStore {
  return new DiskMasterStore(layout, server);
}

/** The store as its own server tells it, for mailboxes whose index is newer than what is read here. */
export type ServerBehind = Pick<MasterStore, 'readMailbox' | 'close'>;

/** All views of a store have these in common. */
class Readers {
  readonly databases = new KeptDatabases(KEPT_DATABASES);
  readonly list: MailboxList;
  readonly reader: MailboxReader;
  readonly peeker: MailboxPeeker;

  constructor(layout: StoreLayout) {
    this.list = new MailboxList(layout, this.databases);
    const states = new MailboxStates(layout, this.list, this.databases);
    this.reader = new MailboxReader(layout, this.list, states);
    this.peeker = new MailboxPeeker(layout, this.list, states);
  }
}

class DiskMasterStore implements MasterStore {
  readonly #layout: StoreLayout;
  readonly #server: ServerBehind | undefined;
  readonly #readers: Readers;
  readonly #list: MailboxList;
  readonly #reader: MailboxReader;
  readonly #peeker: MailboxPeeker;
  readonly #databases: KeptDatabases;
  /** By uniqueid what a list that is keyed by names alone said at the latest refresh. */
  readonly #byUniqueid = new Map<ByteString, MailboxEntry>();

  constructor(layout: StoreLayout, server: ServerBehind | undefined, readers = new Readers(layout)) {
    this.#layout = layout;
    this.#server = server;
    this.#readers = readers;
    this.#databases = readers.databases;
    this.#list = readers.list;
    this.#reader = readers.reader;
    this.#peeker = readers.peeker;
  }

  forJob(): MasterStore {
    return new DiskMasterStore(this.#layout, this.#server, this.#readers);
  }

  async refresh({ uniqueids = [] }: Refresh): Promise<void> {
    if (uniqueids.length === 0 || this.#list.keying() === 'by-record') return;
    const found = await this.#list.searchUniqueids(uniqueids);
    for (const uniqueid of uniqueids) {
      const entry = found.get(uniqueid);
      if (entry) this.#byUniqueid.set(uniqueid, entry);
      else this.#byUniqueid.delete(uniqueid);
    }
  }

  enumerate(prefix: ByteString = ''): Generator<Enumerated> {
    return this.#list.enumerate(prefix);
  }

  names(prefix: ByteString): Generator<ByteString> {
    return this.#list.names(prefix);
  }

  mailboxesOf(userid: ByteString): MailboxEntry[] {
    return this.#list.mailboxesOf(userid).map((entry) => withUniqueid(this.#layout, entry));
  }

  inboxName(userid: ByteString): ByteString {
    return toInternalName(this.#layout, parseUserid(this.#layout, userid));
  }

  ownerOf(name: ByteString): ByteString | undefined {
    return useridOf(parseInternalName(this.#layout, name));
  }

  lookup(name: ByteString): MailboxEntry | undefined {
    const entry = this.#list.lookup(name);
    return entry === undefined ? undefined : withUniqueid(this.#layout, entry);
  }

  formerNames(uniqueid: ByteString): ByteString[] {
    return this.#list.formerNames(uniqueid);
  }

  async livingOnceCalled(name: ByteString): Promise<ByteString[]> {
    return await this.#list.livingOnceCalled(name);
  }

  lookupUniqueid(uniqueid: ByteString): MailboxEntry | undefined {
    return this.#list.lookupUniqueid(uniqueid) ?? this.#byUniqueid.get(uniqueid);
  }

  async readMailbox<T extends Synchronous>(
    name: ByteString,
    read: (mailbox: LockedMailbox) => T,
  ): Promise<T | undefined> {
    try {
      return await this.#reader.read(name, read);
    } catch (caught) {
      const isNewer = caught instanceof SyncError && caught.code === 'INDEX_VERSION_UNKNOWN';
      if (!isNewer || !this.#server) throw caught;
    }
    return await this.#server.readMailbox(name, read);
  }

  expect(): void {}

  peek(entries: readonly MailboxEntry[]): Promise<ReadonlyMap<MailboxEntry, MailboxView>> {
    return this.#peeker.peek(entries);
  }

  estimate(userid: ByteString): Estimate {
    return this.#estimateAll(this.#list.mailboxesOf(userid));
  }

  estimateMailbox(entry: MailboxEntry): Estimate {
    return this.#estimateAll([entry]);
  }

  #estimateAll(entries: MailboxEntry[]): Estimate {
    let messages = 0;
    for (const entry of entries) messages += estimateMessages(this.#layout, entry);
    return { mailboxes: entries.length, messages };
  }

  async quota(root: ByteString): Promise<QuotaEntry | undefined> {
    return readQuota(this.#layout, root, this.#list.keyOrder());
  }

  subscriptions(userid: ByteString): ByteString[] {
    return readSubscriptions(
      this.#userFile(userid, 'sub'),
      toDbname(this.#layout, parseUserid(this.#layout, userid)),
      this.#list.keyOrder(),
    );
  }

  seen(userid: ByteString): SeenEntry[] {
    return readSeen(this.#userFile(userid, 'seen'));
  }

  async sieve(userid: ByteString): Promise<SieveState> {
    const inboxName = this.inboxName(userid);
    const name = `${inboxName}.${this.#layout.sieveFolder}`;
    const inMailbox = await readSieveMailbox((of, read) => this.readMailbox(of, read), name);
    return inMailbox ?? this.scriptFiles(userid);
  }

  scriptFiles(userid: ByteString): SieveState {
    const directory = sieveDirectory(this.#layout, userid, this.#list.lookup(this.inboxName(userid)));
    return directory === undefined ? NO_SIEVE : readSieveDirectory(directory);
  }

  async serverAnnotations(): Promise<Annotation[]> {
    const server = { scope: SERVER_SCOPE, owner: undefined };
    return readScopes(this.#databases, this.#layout.annotationPath, [server])[0] ?? [];
  }

  trySyncLock(server: string, userid: ByteString): Disposable | undefined {
    return tryLockFile(syncLockPath(this.#layout, server, userid), 'exclusive');
  }

  tryQuotaRootLock(server: string): Disposable | undefined {
    return tryLockFile(quotaRootLockPath(this.#layout, server), 'exclusive');
  }

  close(): void {
    this.#databases[Symbol.dispose]();
    this.#server?.close();
  }

  #userFile(userid: ByteString, file: UserFile): string {
    return userFilePath(this.#layout, userid, this.#list.lookup(this.inboxName(userid)), file);
  }
}
