/**
 * The door of `store/mailbox`. Here one mailbox is read: index, header, annotations, counters of its owner, message files.
 * It may use all sub-rooms below and `native` for locks. Locks are taken in Cyrus's order, within a function that cannot
 * await, and never waited for while another is held longer than some milliseconds. What leaves is plain data; message files
 * are read without locks and checked against size and SHA-1 before the first octet is handed out.
 */

import type { ByteString } from '../../byte-string.ts';
import type { Synchronous } from '../../native/lock-scope.ts';
import { nowMs } from '../../now-ms.ts';
import { SyncError } from '../../report/sync-error.ts';
import { mailboxDamaged } from '../files/store-errors.ts';
import { lockFileNow } from '../files/while-file-locked.ts';
import { whileNamespaceLocked } from '../files/while-namespace-locked.ts';
import { isOpenable } from '../mailbox-list/is-openable.ts';
import type { MailboxList, RowWithInbox } from '../mailbox-list/mailbox-list.ts';
import type { LockedMailbox, MailboxEntry } from '../master-store.ts';
import { mailboxLockPath, namespaceOwner, userLockPaths } from '../paths/lock-paths.ts';
import { messageDirectory, metaPath } from '../paths/mailbox-paths.ts';
import type { StoreLayout } from '../paths/store-layout.ts';
import type { CyrusHeader } from './cyrus-header.ts';
import { IndexFile } from './index-file.ts';
import { isMarkedDeleted } from './index-header.ts';
import type { MailboxStates } from './mailbox-states.ts';
import { MessageAnnotations } from './message-annotations.ts';
import { MessageFiles } from './message-files.ts';
import { readCyrusHeader } from './read-cyrus-header.ts';
import { ReadableMailbox } from './readable-mailbox.ts';
import { unusableFlags } from './record-flags.ts';
import { Rests } from './rests.ts';
import { type LocatedMessage, UnlockedMessages } from './unlocked-messages.ts';

/** Someone renames or repacks a large mailbox for minutes at worst; the job is tried again later anyway. */
const READ_DEADLINE_MS = 60_000;
/** A shared mailbox can be moved between lookup and lock where nothing freezes its name; hardly twice in a row. */
const MAX_LOOKUPS = 5;

/**
 * Reads mailboxes under Cyrus's locks, in its order: user namespace, mailbox name, index, then the databases beside it.
 *
 * The first is waited for with nothing in hand. The others are waited for in a lock scope, some milliseconds in all:
 * whoever has one of them may want the one that is held here. Then everything is given back, and begun again after a rest.
 */
export class MailboxReader {
  readonly #layout: StoreLayout;
  readonly #list: MailboxList;
  readonly #states: MailboxStates;
  readonly #files = new MessageFiles();
  readonly #rests = new Rests();

  constructor(layout: StoreLayout, list: MailboxList, states: MailboxStates) {
    this.#layout = layout;
    this.#list = list;
    this.#states = states;
  }

  /** See MasterStore.readMailbox. */
  async read<T extends Synchronous>(
    name: ByteString,
    read: (mailbox: LockedMailbox) => T,
  ): Promise<T | undefined> {
    const deadline = nowMs() + READ_DEADLINE_MS;
    const owner = namespaceOwner(this.#layout, name);
    const userLocks = userLockPaths(this.#layout, owner);
    const work = (): T | undefined => this.#readLocked(name, owner, read);
    for (let attempt = 1; ; attempt++) {
      await this.#rests.over(owner);
      const left = Math.max(0, deadline - nowMs());
      try {
        return await whileNamespaceLocked(userLocks, left, work);
      } catch (caught) {
        const error = SyncError.from(caught, { phase: 'read', mailbox: name });
        if (error.code !== 'LOCK_TIMEOUT' || nowMs() >= deadline) throw error;
      }
      this.#rests.begin(owner, attempt);
    }
  }

  #readLocked<T extends Synchronous>(
    name: ByteString,
    owner: ByteString | undefined,
    read: (mailbox: LockedMailbox) => T,
  ): T | undefined {
    // Only since Cyrus 3.4, and only of users, does the lock freeze names.
    const byRecord = this.#list.keying() === 'by-record';
    const located = this.#lockName(name, byRecord && owner !== undefined);
    if (located === undefined) return undefined;
    const { entry, inbox, groups, lock } = located;
    using _name = lock;
    using _conversations = byRecord ? undefined : this.#states.lockConversations(entry, inbox);
    const indexPath = metaPath(this.#layout, entry, 'index');
    using index = IndexFile.open(indexPath, name);
    if (index === undefined) throw mailboxDamaged(indexPath, 'no such file', name);
    if (isMarkedDeleted(index.header)) return undefined;

    const header = readCyrusHeader(this.#layout, entry);
    const identified = entry.uniqueid === '' ? { ...entry, uniqueid: header.uniqueid ?? '' } : entry;
    const state = this.#states.stateOf(identified, index.header, header, { inbox, groups });
    const [view] = this.#states.viewsOf([{ entry: identified, state }]);
    if (view === undefined) return undefined;
    using mailbox = new ReadableMailbox(
      view,
      index,
      this.#recordContext(identified, index, header),
      this.#messagesOf(identified),
    );
    return read(mailbox);
  }

  /** The row and the lock on what it names. With the user's namespace frozen the row cannot change in between. */
  #lockName(
    name: ByteString,
    frozen: boolean,
  ): (RowWithInbox & { entry: MailboxEntry; lock: Disposable }) | undefined {
    for (let lookups = 0; lookups < MAX_LOOKUPS; lookups++) {
      const { entry, inbox, groups } = this.#list.lookupWithInbox(name);
      if (entry === undefined || !isOpenable(entry)) return undefined;
      const lock = lockFileNow(mailboxLockPath(this.#layout, entry), 'shared');
      if (frozen || this.#isStill(entry)) return { entry, inbox, groups, lock };
      lock[Symbol.dispose]();
    }
    throw new SyncError('IMAP_MAILBOX_LOCKED', 'the mailbox is being changed all the time', {
      retryable: true,
    });
  }

  #isStill(entry: MailboxEntry): boolean {
    const now = this.#list.lookup(entry.name);
    return now?.uniqueid === entry.uniqueid && now.partition === entry.partition && now.type === entry.type;
  }

  #recordContext(entry: MailboxEntry, index: IndexFile, header: CyrusHeader) {
    const stored = new MessageAnnotations(metaPath(this.#layout, entry, 'annotations'), entry.userid);
    return {
      path: index.path,
      mailbox: entry.name,
      header: index.header,
      userFlags: header.userFlags,
      unusableFlags: unusableFlags(header.userFlags),
      annotationsOf: (uid: number, nextUids: () => Iterable<number>) => stored.of(uid, nextUids),
    };
  }

  #messagesOf(entry: MailboxEntry): UnlockedMessages {
    return new UnlockedMessages(
      this.#files,
      entry.name,
      (record) => `${messageDirectory(this.#layout, entry, record.archived)}/${record.uid}.`,
      (uid, guid) => this.#findAgain(entry, uid, guid),
    );
  }

  /** A message that is still live in its mailbox, wherever that is by now. */
  async #findAgain(
    { name, uniqueid }: MailboxEntry,
    uid: number,
    guid: string,
  ): Promise<LocatedMessage | undefined> {
    const now = this.#list.lookupUniqueid(uniqueid)?.name ?? name;
    return await this.read(now, (mailbox) => {
      if (mailbox.entry.uniqueid !== uniqueid) return undefined;
      const [page] = mailbox.pages(uid);
      if (!page || page.count === 0 || page.uid(0) !== uid || page.guid(0) !== guid) return undefined;
      if (page.expunged(0) || page.unlinked(0)) return undefined;
      const record = page.record(0);
      return {
        record,
        path: `${messageDirectory(this.#layout, mailbox.entry, record.archived)}/${uid}.`,
      };
    });
  }
}
