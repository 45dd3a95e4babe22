import { setTimeout as pause } from 'node:timers/promises';
import type { ByteString } from '../../src/byte-string.ts';
import type { Synchronous } from '../../src/native/lock-scope.ts';
import { nowMs } from '../../src/now-ms.ts';
import { SyncError } from '../../src/report/sync-error.ts';
import type { LockedMailbox } from '../../src/store/master-store.ts';
import { MemoryStore } from '../lab/memory-store.ts';
import { type Held, type LockKind, type LockTable, OURS } from './lock-table.ts';

/** Milliseconds between tries; a lock is never waited for with another one in hand. */
const REST_MS = 20;
/** As that of the store on a disk. */
const READ_DEADLINE_MS = 60_000;

/** The lock that keeps all mailboxes of an owner still (store 11.2). */
export function namespaceLock(owner: ByteString | undefined): ByteString {
  return `*U*${owner ?? ''}`;
}

/** The master as this program reads it: under the locks that Cyrus takes, in its order, each given back before anything is awaited. */
export class SimulatedStore extends MemoryStore {
  readonly #locks: LockTable;
  /** Is called before a mailbox is read, and before its locks are had: whatever happens then has just happened. */
  beforeRead: () => void = () => undefined;

  constructor(locks: LockTable) {
    super();
    this.#locks = locks;
  }

  override async readMailbox<T extends Synchronous>(
    name: ByteString,
    read: (mailbox: LockedMailbox) => T,
  ): Promise<T | undefined> {
    this.beforeRead();
    const deadlineMs = nowMs() + READ_DEADLINE_MS;
    for (;;) {
      using held = this.#lock(name);
      // What comes out of a lock scope is never a promise. Were it one, what it waits for would be waited for under the locks.
      if (held) return await super.readMailbox(name, read);
      if (nowMs() > deadlineMs) {
        throw new SyncError('LOCK_TIMEOUT', `no lock on ${name}`, { phase: 'lock', retryable: true });
      }
      await pause(REST_MS);
    }
  }

  /** All that Cyrus takes for one mailbox; undefined: none of them, as somebody has one in the way. */
  #lock(name: ByteString): Disposable | undefined {
    const held: Held[] = [];
    const free = (): void => {
      for (const each of held.reverse()) each[Symbol.dispose]();
    };
    for (const [lock, kind] of mailboxLocks(this, name, 'shared', 'shared')) {
      const taken = this.#locks.try(OURS, lock, kind);
      if (!taken) {
        free();
        return undefined;
      }
      held.push(taken);
    }
    return { [Symbol.dispose]: free };
  }
}

/** The locks that whoever opens a mailbox takes, in Cyrus's order (store 11.2 to 11.4). */
export function mailboxLocks(
  store: MemoryStore,
  name: ByteString,
  namespace: LockKind,
  mailbox: LockKind,
): [lock: ByteString, kind: LockKind][] {
  const uniqueid = store.view(name)?.entry.uniqueid ?? name;
  return [
    [namespaceLock(store.ownerOf(name)), namespace],
    [uniqueid, mailbox],
    [`${uniqueid}/cyrus.index`, namespace],
  ];
}
