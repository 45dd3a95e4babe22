import type { ByteString } from '../../byte-string.ts';
import type { ReplicaMailbox, WireMailbox } from '../../protocol/replica-session.ts';
import { SyncError } from '../../report/sync-error.ts';
import { emptyLine } from '../compare/mailbox-line.ts';
import { type ProbedSession, takesMailboxes } from './takes-mailboxes.ts';

/** The partition that packages configure: something to compare with while no other is known. */
const USUAL_PARTITION = 'default';

/**
 * Partitions that the replica is known to have. Uploading to one that it lacks, or asking it to reserve messages there,
 * kills its server process (protocol 10.2), and no command lists them, so the first mailbox on a partition not
 * yet seen is created empty before anything is uploaded for it: an unknown partition then is an ordinary refusal.
 *
 * A refusal does not say its reason, though, and there are others. The partition is to blame if the replica refuses there
 * a mailbox that it takes elsewhere.
 */
export class Partitions {
  readonly #session: ProbedSession;
  readonly #known = new Set<ByteString>();
  /** Called once the partition is known. */
  readonly #waiting = new Map<ByteString, (() => void)[]>();
  /** Proven to be lacking, and the one that was compared with: for as long as this connection lasts. */
  readonly #lacking = new Map<ByteString, ByteString>();
  readonly #asking = new Map<ByteString, Promise<void>>();
  readonly #proving = new Map<ByteString, Promise<void>>();

  constructor(session: ProbedSession) {
    this.#session = session;
  }

  learn(mailboxes: readonly ReplicaMailbox[]): void {
    for (const { partition } of mailboxes) if (partition !== undefined) this.#isThere(partition);
  }

  isKnown(partition: ByteString): boolean {
    return this.#known.has(partition);
  }

  /** Resolves once some mailbox has shown that the replica has this partition; if none does, never. */
  async becomesKnown(partition: ByteString): Promise<void> {
    if (this.#known.has(partition)) return;
    await new Promise<void>((resolve) => {
      this.#waiting.set(partition, [...(this.#waiting.get(partition) ?? []), resolve]);
    });
  }

  /**
   * Resolves once the replica is known to have `line.partition`, creating the mailbox of `line` empty if need be.
   *
   * @throws SyncError PARTITION_UNKNOWN, or what the replica has against the mailbox
   */
  async ensure(line: WireMailbox): Promise<void> {
    const partition = line.partition ?? '';
    while (!this.#known.has(partition)) {
      const instead = this.#lacking.get(partition);
      if (instead !== undefined) throw partitionUnknown(partition, instead, line.name);
      const asked = this.#asking.get(partition);
      if (asked) {
        // Whoever asked reports its own failure; it may have been the mailbox, so this one asks for itself.
        await asked.catch(() => undefined);
        continue;
      }
      const asking = this.make(line);
      this.#asking.set(partition, asking);
      try {
        await asking;
      } finally {
        this.#asking.delete(partition);
      }
    }
  }

  /**
   * Makes the mailbox of `line`, empty: its line, sent next without SINCE, fills it.
   *
   * @throws SyncError PARTITION_UNKNOWN, or what the replica has against the mailbox
   */
  async make(line: WireMailbox): Promise<void> {
    const partition = line.partition ?? '';
    try {
      await this.#session.applyMailbox(emptyLine(line), []);
    } catch (caught) {
      throw await this.explain(SyncError.from(caught), partition, line.name);
    }
    this.#isThere(partition);
  }

  #isThere(partition: ByteString): void {
    this.#known.add(partition);
    for (const wake of this.#waiting.get(partition) ?? []) wake();
    this.#waiting.delete(partition);
  }

  /**
   * The reason of a refusal that has none of its own, for a mailbox that was to be put on `partition`.
   *
   * @throws SyncError if the link breaks meanwhile
   */
  async explain(
    refusal: SyncError,
    partition: ByteString | undefined,
    mailbox: ByteString,
  ): Promise<SyncError> {
    if (refusal.code !== 'IMAP_REMOTE_DENIED' || partition === undefined || this.#known.has(partition)) {
      return refusal;
    }
    if (!this.#lacking.has(partition)) await this.#proveOnce(partition);
    const instead = this.#lacking.get(partition);
    return instead === undefined ? refusal : partitionUnknown(partition, instead, mailbox, refusal);
  }

  async #proveOnce(partition: ByteString): Promise<void> {
    let proving = this.#proving.get(partition);
    if (!proving) {
      proving = this.#prove(partition).finally(() => this.#proving.delete(partition));
      this.#proving.set(partition, proving);
    }
    await proving;
  }

  async #prove(partition: ByteString): Promise<void> {
    if (await takesMailboxes(this.#session, partition)) {
      this.#isThere(partition);
      return;
    }
    const [instead = USUAL_PARTITION] = this.#known;
    if (instead === partition || !(await takesMailboxes(this.#session, instead))) return;
    this.#isThere(instead);
    this.#lacking.set(partition, instead);
  }
}

function partitionUnknown(
  partition: ByteString,
  instead: ByteString,
  mailbox: ByteString,
  refusal?: SyncError,
): SyncError {
  const said = refusal ? `: ${refusal.message}` : '';
  return new SyncError(
    'PARTITION_UNKNOWN',
    `the replica takes no mailbox on partition ${partition}, though it does on ${instead}${said}`,
    {
      family: 'refused',
      phase: 'apply',
      mailbox,
      hint: `define partition-${partition} in the replica's imapd.conf, or choose one that it has with -p`,
      cause: refusal,
    },
  );
}
