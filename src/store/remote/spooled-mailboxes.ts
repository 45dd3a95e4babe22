import { isDeepStrictEqual } from 'node:util';
import type { ByteString } from '../../byte-string.ts';
import type { ReplicaMailbox, WireRecord } from '../../protocol/replica-session.ts';
import { SyncError } from '../../report/sync-error.ts';
import { CREATEDMODSEQ, INTERNALDATE_NSEC, SAVEDATE, THRID } from '../mailbox/virtual-annotations.ts';
import type { MasterSessions } from './master-sessions.ts';
import { RecordSpool } from './record-spool.ts';

/** Mailboxes whose records are kept: a large one is read again for each of its steps. */
const KEPT_MAILBOXES = 64;

/** All of a mailbox at one moment. */
export interface SpooledMailbox {
  line: ReplicaMailbox;
  records: RecordSpool;
  exists: number;
  indexVersion: number;
}

/**
 * Mailboxes with their records, as the server told them in one answer each. The protocol has no command for a part of a
 * mailbox, so that what has been read is kept, and taken for what is there now if the server says that its line is the same.
 */
export class SpooledMailboxes implements Disposable {
  readonly #sessions: MasterSessions;
  readonly #directory: string;
  readonly #kept = new Map<ByteString, SpooledMailbox>();

  constructor(sessions: MasterSessions, directory: string) {
    this.#sessions = sessions;
    this.#directory = directory;
  }

  /**
   * @param use gets the mailbox as it is now, which is good until it returns
   * @param isFresh it has been read this moment
   * @returns undefined if there is none of that name
   */
  async read<T>(
    name: ByteString,
    use: (mailbox: SpooledMailbox) => T,
    isFresh = false,
  ): Promise<T | undefined> {
    const kept = this.#kept.get(name);
    if (kept && isFresh) return use(kept);
    if (kept) {
      const [line] = await this.#sessions.use((session) => session.getMailboxes([name]));
      // Somebody else's read may have put a newer one in its place meanwhile.
      if (this.#kept.get(name) === kept && isDeepStrictEqual(line, kept.line)) {
        this.#keep(name, kept);
        return use(kept);
      }
      if (line === undefined) {
        this.#drop(name);
        return undefined;
      }
    }
    const mailbox = await this.#readAll(name);
    this.#drop(name);
    if (!mailbox) return undefined;
    this.#keep(name, mailbox);
    return use(mailbox);
  }

  /** Messages of a mailbox that has been read, without asking for it. */
  exists(name: ByteString): number | undefined {
    return this.#kept.get(name)?.exists;
  }

  [Symbol.dispose](): void {
    for (const name of [...this.#kept.keys()]) this.#drop(name);
  }

  async #readAll(name: ByteString): Promise<SpooledMailbox | undefined> {
    try {
      return await this.#sessions.use(async (session) => {
        const collected = new Collected(new RecordSpool(this.#directory));
        try {
          const line = await session.getFullMailbox(name, (record) => collected.add(record));
          return collected.mailbox(line);
        } catch (caught) {
          collected.records[Symbol.dispose]();
          throw caught;
        }
      });
    } catch (caught) {
      if (SyncError.from(caught).code === 'IMAP_MAILBOX_NONEXISTENT') return undefined;
      throw caught;
    }
  }

  /** As the latest of all. */
  #keep(name: ByteString, mailbox: SpooledMailbox): void {
    this.#kept.delete(name);
    this.#kept.set(name, mailbox);
    const [oldest] = this.#kept.keys();
    if (this.#kept.size > KEPT_MAILBOXES && oldest !== undefined) this.#drop(oldest);
  }

  #drop(name: ByteString): void {
    this.#kept.get(name)?.records[Symbol.dispose]();
    this.#kept.delete(name);
  }
}

/** The oldest index version that has each field, newest first: what the records have says how old they are at least. */
const VERSIONS: readonly (readonly [entry: ByteString, version: number])[] = [
  [INTERNALDATE_NSEC, 20],
  [CREATEDMODSEQ, 17],
  [SAVEDATE, 15],
  [THRID, 13],
];
/** Records that tell nothing, or none at all. */
const OLDEST_VERSION = 12;

class Collected {
  readonly records: RecordSpool;
  #exists = 0;
  #indexVersion = OLDEST_VERSION;

  constructor(records: RecordSpool) {
    this.records = records;
  }

  add(record: WireRecord): void {
    this.records.add(record);
    if (!record.flags.includes('\\Expunged')) this.#exists += 1;
    const entries = new Set(record.annotations.map(({ entry }) => entry));
    const version = VERSIONS.find(([entry]) => entries.has(entry))?.[1] ?? OLDEST_VERSION;
    this.#indexVersion = Math.max(this.#indexVersion, version);
  }

  mailbox(line: ReplicaMailbox): SpooledMailbox {
    this.records.end();
    return { line, records: this.records, exists: this.#exists, indexVersion: this.#indexVersion };
  }
}
