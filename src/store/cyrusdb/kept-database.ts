import { type BigIntStats, closeSync, fstatSync } from 'node:fs';
import type { ByteString } from '../../byte-string.ts';
import { lockScope, type Synchronous } from '../../native/lock-scope.ts';
import { unlock } from '../../native/locks.ts';
import { isStillAt, REPLACED, untilNotReplaced } from '../../native/until-not-replaced.ts';
import { lockNow } from '../../native/when-locked.ts';
import type { CyrusDatabase, OnDamage } from './cyrus-database.ts';
import { unreadable } from './damaged.ts';
import {
  type DatabaseOptions,
  formatOf,
  MAX_REPLACEMENTS,
  type OpenedDatabase,
  openIfThere,
  openLocked,
  withDatabase,
} from './with-database.ts';

/** Values remembered for a database: rows of some hundred users, below a MiB. */
const MAX_REMEMBERED = 2048;

export type KeptOptions = Pick<DatabaseOptions, 'atLeast' | 'order'>;

interface Kept {
  fd: number;
  opened: OpenedDatabase;
  /** The database that `read` is given. */
  database: RememberingDatabase;
  stats: BigIntStats;
}

/** Remembers what it was asked and what it has walked over, which a reader of mailboxes mostly asks again. */
class RememberingDatabase implements CyrusDatabase {
  readonly #database: CyrusDatabase;
  readonly #values = new Map<ByteString, ByteString | undefined>();

  constructor(database: CyrusDatabase) {
    this.#database = database;
  }

  get(key: ByteString): ByteString | undefined {
    if (this.#values.has(key)) return this.#values.get(key);
    const value = this.#database.get(key);
    this.#remember(key, value);
    return value;
  }

  *entries(prefix: ByteString, after?: ByteString, onDamage?: OnDamage): Generator<[ByteString, ByteString]> {
    for (const row of this.#database.entries(prefix, after, onDamage)) {
      this.#remember(row[0], row[1]);
      yield row;
    }
  }

  /**
   * Answers `read` from memory alone.
   *
   * @returns undefined if it asked for anything that is not remembered: whatever it made of the gap is not looked at
   */
  recall<T>(read: (database: CyrusDatabase) => T): { result: T } | undefined {
    const memory = new Memory(this.#values);
    try {
      const result = read(memory);
      return memory.hasGap ? undefined : { result };
    } catch (caught) {
      if (memory.hasGap) return undefined;
      throw caught;
    }
  }

  #remember(key: ByteString, value: ByteString | undefined): void {
    if (this.#values.size >= MAX_REMEMBERED) this.#values.clear();
    this.#values.set(key, value);
  }
}

/** The memory of a database, and nothing else. */
class Memory implements CyrusDatabase {
  readonly #values: ReadonlyMap<ByteString, ByteString | undefined>;
  /** Something was asked for that is not remembered, so that "not there" meant nothing. */
  hasGap = false;

  constructor(values: ReadonlyMap<ByteString, ByteString | undefined>) {
    this.#values = values;
  }

  get(key: ByteString): ByteString | undefined {
    const value = this.#values.get(key);
    if (value === undefined && !this.#values.has(key)) this.hasGap = true;
    return value;
  }

  // biome-ignore lint/correctness/useYield: a memory of single rows cannot tell which of them are all of a range
  *entries(): Generator<[ByteString, ByteString]> {
    this.hasGap = true;
  }
}

/**
 * A database that is asked again and again: descriptor and blocks stay from one read to the next, the lock does not.
 *
 * Rows that were read before are good as long as the file has not changed. Every commit of a twoskip or skiplist appends, so
 * size and modification time tell; a repack or checkpoint renames a new file over it, so the inode tells, or that the one
 * at hand has no name any more. What is remembered needs no more than that; the file is read only under the lock.
 */
export class KeptDatabase implements Disposable {
  readonly #path: string;
  readonly #options: KeptOptions;
  #kept: Kept | undefined;

  constructor(path: string, options: KeptOptions = {}) {
    this.#path = path;
    this.#options = options;
  }

  /**
   * Does what `withDatabase` does. `read` must have no effect but its result: where memory is not enough it is called again.
   *
   * @throws SyncError DATABASE_DAMAGED, DATABASE_UNSUPPORTED, LOCK_TIMEOUT, IO, and nothing else but what `read` throws
   */
  read<T extends Synchronous>(read: (database: CyrusDatabase) => T): T | undefined {
    const kept = this.#kept;
    if (kept && isUntouched(kept)) {
      const remembered = kept.database.recall(read);
      if (remembered) return remembered.result;
    }
    return untilNotReplaced(this.#path, MAX_REPLACEMENTS, () => {
      const fd = this.#kept?.fd ?? openIfThere(this.#path);
      if (fd === undefined) return undefined;
      let good = false;
      try {
        if (this.#kept === undefined && formatOf(fd, this.#path, 'flat') === 'flat') {
          return withDatabase(this.#path, read, this.#options);
        }
        lockNow(fd, 'shared', this.#path);
        try {
          const opened = this.#opened(fd);
          if (opened === undefined) return REPLACED;
          good = true;
          return lockScope(() => read(opened));
        } finally {
          if (good) unlock(fd);
        }
      } finally {
        if (!good) this.#close(fd);
      }
    });
  }

  /** @returns undefined if the file was replaced */
  #opened(fd: number): CyrusDatabase | undefined {
    try {
      const stats = fstatSync(fd, { bigint: true });
      if (!isStillAt(this.#path, stats)) return undefined;
      const kept = this.#kept;
      if (kept && kept.stats.size === stats.size && kept.stats.mtimeNs === stats.mtimeNs)
        return kept.database;
      kept?.opened.file?.[Symbol.dispose]();
      const format = formatOf(fd, this.#path, 'flat');
      if (format === 'flat') return undefined;
      const opened = openLocked(fd, this.#path, Number(stats.size), format, this.#options);
      this.#kept = { fd, opened, database: new RememberingDatabase(opened.database), stats };
      return this.#kept.database;
    } catch (caught) {
      throw unreadable(this.#path, caught);
    }
  }

  #close(fd: number): void {
    this.#kept?.opened.file?.[Symbol.dispose]();
    this.#kept = undefined;
    closeSync(fd);
  }

  [Symbol.dispose](): void {
    if (this.#kept) this.#close(this.#kept.fd);
  }
}

function isUntouched({ fd, stats }: Kept): boolean {
  try {
    const now = fstatSync(fd, { bigint: true });
    return now.nlink > 0n && now.size === stats.size && now.mtimeNs === stats.mtimeNs;
  } catch {
    // Whoever reads it meets the same, names the file, and lets go of the descriptor.
    return false;
  }
}

/** Keeps databases at hand; the least recently used is closed when there are too many. */
export class KeptDatabases implements Disposable {
  readonly #limit: number;
  readonly #databases = new Map<string, KeptDatabase>();

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** As `withDatabase`. The options are those of the first read. */
  read<T extends Synchronous>(
    path: string,
    read: (database: CyrusDatabase) => T,
    options: KeptOptions = {},
  ): T | undefined {
    const database = this.#databases.get(path) ?? new KeptDatabase(path, options);
    this.#databases.delete(path);
    this.#databases.set(path, database);
    for (const [oldest, unused] of this.#databases) {
      if (this.#databases.size <= this.#limit) break;
      this.#databases.delete(oldest);
      unused[Symbol.dispose]();
    }
    return database.read(read);
  }

  [Symbol.dispose](): void {
    for (const database of this.#databases.values()) database[Symbol.dispose]();
    this.#databases.clear();
  }
}
