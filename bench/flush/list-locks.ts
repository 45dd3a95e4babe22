import { chmodSync, readFileSync, rmSync, writeFileSync } from 'node:fs';

/** The replica's list of mailboxes: each new mailbox is a transaction in it, one after the other. */
const MAILBOX_LIST = 'mailboxes.db';

/**
 * How long the processes of a replica with slow flushes had its list of mailboxes locked for flushed transactions: so long no
 * client can have a mailbox made, over however many connections.
 */
export class ListLocks implements Disposable {
  readonly #log: string;

  /** @param log a file that is made; whoever runs the servers may write to it */
  constructor(log: string) {
    this.#log = log;
    writeFileSync(log, '');
    chmodSync(log, 0o666);
  }

  get environment(): Record<string, string> {
    return { HELD_FILE: MAILBOX_LIST, HELD_LOG: this.#log };
  }

  /** Lets what was noted so far not count. */
  reset(): void {
    writeFileSync(this.#log, '');
  }

  /** Seconds, of all transactions since the last `reset`. */
  get seconds(): number {
    const nanoseconds = readFileSync(this.#log, 'utf8').split('\n').map(Number);
    return nanoseconds.reduce((sum, each) => sum + each, 0) / 1e9;
  }

  [Symbol.dispose](): void {
    rmSync(this.#log, { force: true });
  }
}
