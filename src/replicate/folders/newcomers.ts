import type { ByteString } from '../../byte-string.ts';
import type { ReplicaSession } from '../../protocol/replica-session.ts';
import type { MailboxEntry } from '../../store/master-store.ts';
import { missingAbove } from '../outcomes/failures.ts';
import { mailboxAbove } from './mailbox-above.ts';

/** A mailbox that one job makes on the replica. */
export class Newcomer {
  readonly name: ByteString;
  readonly above: Newcomer | undefined;
  #session: ReplicaSession | undefined;
  readonly #begun: Promise<void>;
  #begin: () => void = () => undefined;
  readonly #made: Promise<void>;
  #make: () => void = () => undefined;
  #failed = false;
  #finished: Promise<void> = Promise.resolve();

  constructor(name: ByteString, above: Newcomer | undefined) {
    this.name = name;
    this.above = above;
    this.#begun = new Promise((resolve) => {
      this.#begin = resolve;
    });
    this.#made = new Promise((resolve) => {
      this.#make = resolve;
    });
  }

  /** Resolves once the mailbox could be read here, or has failed. */
  get begun(): Promise<void> {
    return this.#begun;
  }

  goesOver(session: ReplicaSession): void {
    this.#session = session;
  }

  /**
   * Undefined if what is sent of this mailbox comes behind the one above, over the same connection. Otherwise resolves
   * once that one is there.
   */
  get aboveElsewhere(): Promise<void> | undefined {
    return this.above && this.above.#session !== this.#session ? this.above.made : undefined;
  }

  /** Resolves once the replica has said that it has the mailbox, with some messages or all, or when it will not come. */
  get made(): Promise<void> {
    return this.#made;
  }

  /** Resolves, never rejects, once `failed` is final. */
  get finished(): Promise<void> {
    return this.#finished;
  }

  get failed(): boolean {
    return this.#failed;
  }

  /** The mailbox above, nearest or further up, that failed for a reason of its own; undefined if none did. */
  get missing(): ByteString | undefined {
    return this.above?.failed ? (this.above.missing ?? this.above.name) : undefined;
  }

  begin(): void {
    this.#begin();
  }

  isMade(): void {
    this.#make();
  }

  fail(): void {
    this.#failed = true;
    this.#begin();
    this.#make();
  }

  follow(finished: Promise<void>): void {
    this.#finished = finished.then(
      () => {
        this.#begin();
        this.#make();
      },
      () => this.fail(),
    );
  }

  /** @throws SyncError if what it needs is known to have failed: nothing more is sent of it then */
  checkAbove(): void {
    const { missing } = this;
    if (missing === undefined) return;
    // At once: what is below this one has its turn next.
    this.fail();
    throw missingAbove(missing, this.name);
  }
}

/**
 * The mailboxes that one job makes on the replica. Each needs the one above it, but does not wait for the replica's
 * answer to that: it begins when the one above could be read here, which shows most of what can fail, and stops as soon
 * as that one is known to have failed.
 */
export class Newcomers {
  readonly #lookup: (name: ByteString) => MailboxEntry | undefined;
  readonly #byName = new Map<ByteString, Newcomer>();

  constructor(lookup: (name: ByteString) => MailboxEntry | undefined) {
    this.#lookup = lookup;
  }

  /** Must be called in list order, so that the mailbox above comes first. */
  add(entry: MailboxEntry): Newcomer {
    const above = mailboxAbove(entry, this.#lookup);
    const newcomer = new Newcomer(entry.name, above === undefined ? undefined : this.#byName.get(above));
    this.#byName.set(entry.name, newcomer);
    return newcomer;
  }
}
