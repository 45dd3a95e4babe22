import { setTimeout as sleep } from 'node:timers/promises';
import type { ByteString } from '../byte-string.ts';
import { SyncError } from '../report/sync-error.ts';
import { MessageAnnotations } from './annotations.ts';
import type { HeaderFile } from './header-file.ts';
import { IndexFile } from './index-file.ts';
import { isMarkedDeleted } from './index-header.ts';
import type { StoreLayout } from './layout.ts';
import { acquireLockFile } from './lock-file.ts';
import { mailboxLockPath, namespaceOwner, userLockPath } from './lock-names.ts';
import { readMailboxHeader } from './mailbox-header.ts';
import type { MailboxList } from './mailbox-list.ts';
import { messageDirectory, metaPath } from './mailbox-paths.ts';
import type { MailboxStates } from './mailbox-states.ts';
import type { MailboxEntry } from './master-store.ts';
import { MessageFiles } from './message-files.ts';
import { isOpenable } from './openable.ts';
import { OpenedMailbox } from './opened-mailbox.ts';
import { unusableFlags } from './record-flags.ts';
import { mailboxDamaged } from './store-error.ts';

/** Someone renames or repacks a large mailbox for minutes at worst; the job is tried again later anyway. */
const OPEN_DEADLINE_MS = 60_000;
/**
 * How long one lock is waited for. The user lock, held meanwhile, stops every change of the user's mailboxes, and
 * timsieved keeps `#sieve` locked for as long as someone is logged in.
 */
const LOCK_DEADLINE_MS = 3_000;
/** In which those that our user lock held up get their turn. */
const PAUSE_MS = 500;
/** A shared mailbox can be moved between lookup and lock where nothing freezes its name; hardly twice in a row. */
const MAX_LOOKUPS = 5;

/** Opens mailboxes in the order of locks of store section 2.6. */
export class MailboxOpener {
  readonly #layout: StoreLayout;
  readonly #list: MailboxList;
  readonly #states: MailboxStates;
  readonly #files = new MessageFiles();

  constructor(layout: StoreLayout, list: MailboxList, states: MailboxStates) {
    this.#layout = layout;
    this.#list = list;
    this.#states = states;
  }

  /** See MasterStore.openMailbox. */
  async open(name: ByteString): Promise<OpenedMailbox | undefined> {
    const started = performance.now();
    for (;;) {
      try {
        return await this.#attempt(name);
      } catch (caught) {
        const isTimeout = caught instanceof SyncError && caught.code === 'LOCK_TIMEOUT';
        if (!isTimeout || performance.now() - started > OPEN_DEADLINE_MS) throw caught;
      }
      await sleep(PAUSE_MS);
    }
  }

  async #attempt(name: ByteString): Promise<OpenedMailbox | undefined> {
    const held: Disposable[] = [];
    let opened: OpenedMailbox | undefined;
    try {
      opened = await this.#open(name, held);
      return opened;
    } catch (caught) {
      throw SyncError.from(caught, { phase: 'read', mailbox: name });
    } finally {
      if (opened === undefined) for (const lock of held.reverse()) lock[Symbol.dispose]();
    }
  }

  async #open(name: ByteString, held: Disposable[]): Promise<OpenedMailbox | undefined> {
    const userLock = await this.#lock(userLockPath(this.#layout, namespaceOwner(this.#layout, name)));
    if (userLock !== undefined) held.push(userLock);
    const located = await this.#lockName(name, userLock !== undefined);
    if (located === undefined) return undefined;
    const { entry, inbox, lock } = located;
    held.push(lock);

    const indexPath = metaPath(this.#layout, entry, 'index');
    const index = await IndexFile.open(indexPath, name, LOCK_DEADLINE_MS);
    if (index === undefined) throw mailboxDamaged(indexPath, 'no such file', name);
    held.push(index);
    if (isMarkedDeleted(index.header)) return undefined;

    const header = readMailboxHeader(this.#layout, entry);
    const identified = entry.uniqueid === '' ? { ...entry, uniqueid: header.uniqueid ?? '' } : entry;
    return new OpenedMailbox(
      identified,
      this.#states.stateOf(identified, index.header, header, inbox),
      this.#states.annotationsOf([identified])[0] ?? [],
      { user: userLock, name: lock, index },
      this.#recordContext(identified, index, header),
      {
        live: messageDirectory(this.#layout, entry, false),
        archive: messageDirectory(this.#layout, entry, true),
      },
      this.#files,
    );
  }

  async #lock(path: string | undefined): Promise<Disposable | undefined> {
    return path === undefined ? undefined : acquireLockFile(path, 'shared', LOCK_DEADLINE_MS);
  }

  /** The row and the lock on what it names. With the user's namespace frozen the row cannot change in between. */
  async #lockName(
    name: ByteString,
    frozen: boolean,
  ): Promise<{ entry: MailboxEntry; inbox: MailboxEntry | undefined; lock: Disposable } | undefined> {
    for (let lookups = 0; lookups < MAX_LOOKUPS; lookups++) {
      const { entry, inbox } = this.#list.lookupWithInbox(name);
      if (entry === undefined || !isOpenable(entry)) return undefined;
      const lock = await acquireLockFile(mailboxLockPath(this.#layout, entry), 'shared', LOCK_DEADLINE_MS);
      if (frozen || this.#isStill(entry)) return { entry, inbox, lock };
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

  #recordContext(entry: MailboxEntry, index: IndexFile, header: HeaderFile) {
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
}
