import { setTimeout as sleep } from 'node:timers/promises';
import { nowMs } from '../../now-ms.ts';
import type { ReplicaSession } from '../../protocol/replica-session.ts';
import { SyncError } from '../../report/sync-error.ts';
import type { MasterStore } from '../../store/master-store.ts';

/** Jobs that come later have it anew, behind other connections; the round trip to a far replica is less. */
const OPEN_FOR_MS = 200;
const FIRST_PAUSE_MS = 2;
const LONGEST_PAUSE_MS = 50;
const PAUSE_GROWTH = 1.5;
/** More than a server needs to go through the mailboxes of a large user. */
const PATIENCE_MS = 120_000;

interface LockParts {
  session: Pick<ReplicaSession, 'broken'>;
  store: Pick<MasterStore, 'tryQuotaRootLock'>;
  options: { server: string };
}

/**
 * The lock under which a connection has quota roots made or removed. One connection to a replica has it at a time, in whatever
 * process of this host; all jobs on that connection have it together, because a server does their commands one after the other.
 *
 * A server whose quotas are all in one database (`quota_db: twoskip`) locks that for a new root, and then waits for whoever
 * else makes or removes one, who in turn goes through the mailboxes below and needs the database for each of them. The kernel
 * ends that with an error: the root is refused, or some mailboxes are not counted, of which the server says nothing.
 */
export class QuotaRootLock {
  #lock: Disposable | undefined;
  #uses = 0;
  #openUntil = 0;

  /**
   * Waits for the lock, which the connection has until each of its jobs has given it back.
   *
   * @throws SyncError LOCK_TIMEOUT, IO
   */
  async hold({ session, store, options }: LockParts, patienceMs = PATIENCE_MS): Promise<Disposable> {
    const deadline = nowMs() + patienceMs;
    let pauseMs = FIRST_PAUSE_MS;
    // What is sent on a broken connection fails by itself, and nobody waits for that.
    while (!session.broken) {
      const now = nowMs();
      if (this.#lock && now < this.#openUntil) return this.#use();
      if (!this.#lock) {
        this.#lock = store.tryQuotaRootLock(options.server);
        this.#openUntil = now + OPEN_FOR_MS;
        if (this.#lock) return this.#use();
      }
      if (now > deadline) throw lockTimeout(options.server, patienceMs);
      // Jitter, so that those who wait do not ask in step.
      await sleep(pauseMs * (0.5 + Math.random()));
      pauseMs = Math.min(pauseMs * PAUSE_GROWTH, LONGEST_PAUSE_MS);
    }
    return { [Symbol.dispose]: () => undefined };
  }

  #use(): Disposable {
    this.#uses++;
    return {
      [Symbol.dispose]: () => {
        this.#uses--;
        if (this.#uses > 0) return;
        this.#lock?.[Symbol.dispose]();
        this.#lock = undefined;
      },
    };
  }
}

function lockTimeout(server: string, patienceMs: number): SyncError {
  return new SyncError(
    'LOCK_TIMEOUT',
    `quota roots on ${server} are being changed by others, for ${patienceMs / 1000} s already`,
    {
      phase: 'quota',
      hint: 'look for another sync_client that stands still, and at the log of the replica; it is tried again later',
      retryable: true,
    },
  );
}
