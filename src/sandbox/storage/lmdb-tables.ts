import { mkdirSync } from 'node:fs';
import { open, type RootDatabase } from 'lmdb';
import { ensureLmdbRoom } from '../../native/ensure-lmdb-room.ts';
import { SyncError } from '../../report/sync-error.ts';
import { holdDirectory } from './hold-directory.ts';
import type { Table, TableKey, Tables } from './tables.ts';

/** Octets of address space set aside at first; lmdb doubles it when needed. */
const INITIAL_MAP_OCTETS = 1024 ** 3;
const MAX_TABLES = 16;

/** The files of lmdb have mail in them, wherever they are. The package's types lack the option. */
const FOR_OWNER_ALONE = { permissionsMode: 0o600 };

// lmdb's transactionSync flags; the package exports them as types only.
const ABORTABLE = 1;
const SYNCHRONOUS_COMMIT = 2;
const NO_SYNC_FLUSH = 0x10000;

/** Tables in one lmdb environment. */
export class LmdbTables implements Tables {
  readonly #root: RootDatabase<unknown, TableKey>;
  readonly #flags: number;
  readonly #giveUpDirectory: () => void;

  /**
   * @param durable every transaction is on disk when it returns; otherwise the system writes when it likes, and only
   *   a crash of the machine (not of the process) can lose or damage data
   * @throws SyncError IO
   */
  constructor(directory: string, durable: boolean) {
    let giveUpDirectory: (() => void) | undefined;
    try {
      mkdirSync(directory, { recursive: true, mode: 0o700 });
      giveUpDirectory = holdDirectory(directory);
      ensureLmdbRoom(directory);
      this.#root = open<unknown, TableKey>({
        path: directory,
        maxDbs: MAX_TABLES,
        mapSize: INITIAL_MAP_OCTETS,
        noSync: !durable,
        noMemInit: true,
        overlappingSync: false,
        noSubdir: false,
        ...FOR_OWNER_ALONE,
      });
    } catch (error) {
      giveUpDirectory?.();
      const reason = error instanceof Error ? error.message : String(error);
      throw new SyncError('IO', `${directory}: cannot open the sandbox's database: ${reason}`, {
        phase: 'start',
        hint: 'The directory must be writable, on a disk with room, and not in use by another sandbox',
        cause: error,
      });
    }
    this.#giveUpDirectory = giveUpDirectory;
    this.#flags = durable ? ABORTABLE | SYNCHRONOUS_COMMIT : ABORTABLE | NO_SYNC_FLUSH;
  }

  table<V>(name: string): Table<V> {
    return this.#root.openDB<V, TableKey>({ name, cache: false });
  }

  octetTable(name: string): Table<Buffer> {
    return this.#root.openDB<Buffer, TableKey>({ name, encoding: 'binary', cache: false });
  }

  transact<T>(work: () => T): T {
    return this.#root.transactionSync(work, this.#flags);
  }

  async close(): Promise<void> {
    await this.#root.close();
    this.#giveUpDirectory();
  }
}
