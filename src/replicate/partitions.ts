import type { ByteString } from '../byte-string.ts';
import type { ReplicaMailbox, ReplicaSession, WireMailbox } from '../protocol/replica-session.ts';
import { SyncError } from '../report/sync-error.ts';
import { emptyLine } from './mailbox-line.ts';

/**
 * Partitions that the replica is known to have. Uploading to one that it lacks kills its server process (protocol
 * section 10.2), and no command lists them, so the first mailbox on a partition not yet seen is created empty before
 * anything is uploaded for it: an unknown partition then is an ordinary refusal.
 */
export class Partitions {
  readonly #session: ReplicaSession;
  readonly #known = new Set<ByteString>();
  readonly #asking = new Map<ByteString, Promise<void>>();

  constructor(session: ReplicaSession) {
    this.#session = session;
  }

  learn(mailboxes: readonly ReplicaMailbox[]): void {
    for (const { partition } of mailboxes) if (partition !== undefined) this.#known.add(partition);
  }

  isKnown(partition: ByteString): boolean {
    return this.#known.has(partition);
  }

  /**
   * Resolves once the replica is known to have `line.partition`, creating the mailbox of `line` empty if need be.
   *
   * @throws SyncError PARTITION_UNKNOWN
   */
  async ensure(line: WireMailbox): Promise<void> {
    const partition = line.partition ?? '';
    while (!this.#known.has(partition)) {
      const asked = this.#asking.get(partition);
      if (asked) {
        // Whoever asked reports its own failure; it may have been the mailbox, so this one asks for itself.
        await asked.catch(() => undefined);
        continue;
      }
      const asking = this.#create(line, partition);
      this.#asking.set(partition, asking);
      try {
        await asking;
      } finally {
        this.#asking.delete(partition);
      }
    }
  }

  async #create(line: WireMailbox, partition: ByteString): Promise<void> {
    try {
      await this.#session.applyMailbox(emptyLine(line), []);
    } catch (caught) {
      throw this.explain(SyncError.from(caught), line);
    }
    this.#known.add(partition);
  }

  /** A refusal without a reason of a mailbox on a partition that was never seen on the replica: that is the reason. */
  explain(error: SyncError, line: WireMailbox): SyncError {
    const { partition } = line;
    if (error.code !== 'IMAP_REMOTE_DENIED' || partition === undefined || this.#known.has(partition))
      return error;
    return new SyncError(
      'PARTITION_UNKNOWN',
      `the replica refused to create the mailbox on partition ${partition}: ${error.message}`,
      {
        family: 'refused',
        phase: 'apply',
        mailbox: line.name,
        hint: `define partition-${partition} in the replica's imapd.conf, or choose one that it has with -p`,
        cause: error,
      },
    );
  }
}
