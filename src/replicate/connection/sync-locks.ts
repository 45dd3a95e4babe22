import { type ByteString, compareBytes } from '../../byte-string.ts';
import { SyncError } from '../../report/sync-error.ts';
import type { EngineContext } from './engine-context.ts';

/**
 * The sync locks of one job, Cyrus's own, so that this client and the C client exclude each other. Only ever tried,
 * never waited for while others are held: two jobs cannot wait for each other.
 */
export class SyncLocks implements Disposable {
  readonly #context: EngineContext;
  readonly #held = new Map<ByteString, Disposable>();

  /** @throws SyncError USER_LOCKED */
  constructor(context: EngineContext, owners: readonly ByteString[]) {
    this.#context = context;
    try {
      for (const owner of [...owners].sort(compareBytes)) this.take(owner);
    } catch (caught) {
      this[Symbol.dispose]();
      throw caught;
    }
  }

  /** @throws SyncError USER_LOCKED */
  take(owner: ByteString): void {
    if (this.#held.has(owner)) return;
    const lock = this.#context.store.trySyncLock(this.#context.options.server, owner);
    if (!lock) {
      throw new SyncError(
        'USER_LOCKED',
        'the sync lock is held: another sync_client is at work on this user',
        {
          user: owner,
          phase: 'lock',
          retryable: true,
        },
      );
    }
    this.#held.set(owner, lock);
  }

  [Symbol.dispose](): void {
    for (const lock of this.#held.values()) lock[Symbol.dispose]();
    this.#held.clear();
  }
}
