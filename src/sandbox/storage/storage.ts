import { mkdirSync } from 'node:fs';
import { open, type RootDatabase } from 'lmdb';
import { SyncError } from '../../report/sync-error.ts';
import { MailboxTable } from './mailbox-table.ts';
import { MessageTable } from './message-table.ts';
import type { TableKey } from './table.ts';
import { UserTables } from './user-tables.ts';

/** Octets of address space set aside at first; lmdb doubles it when needed. */
const INITIAL_MAP_OCTETS = 1024 ** 3;
const MAX_TABLES = 16;

// lmdb's transactionSync flags; the package exports them as types only.
const ABORTABLE = 1;
const SYNCHRONOUS_COMMIT = 2;
const NO_SYNC_FLUSH = 0x10000;

/** Raised when a change of layout makes older directories unreadable. */
const FORMAT = 2;

/**
 * All that a sandbox knows, in one lmdb environment. Everything is synchronous: a command is one transaction, and the
 * process has one thread, so commands of all connections are serialised.
 */
export class Storage {
  readonly mailboxes: MailboxTable;
  readonly messages: MessageTable;
  readonly users: UserTables;
  readonly #root: RootDatabase<unknown, TableKey>;
  readonly #flags: number;
  #depth = 0;

  /**
   * @param durable every command is on disk before it is answered; otherwise the system writes when it likes, and only
   *   a crash of the machine (not of the process) can lose or damage data
   * @throws SyncError IO, DATABASE_UNSUPPORTED
   */
  constructor(directory: string, durable: boolean) {
    try {
      mkdirSync(directory, { recursive: true, mode: 0o700 });
      this.#root = open<unknown, TableKey>({
        path: directory,
        maxDbs: MAX_TABLES,
        mapSize: INITIAL_MAP_OCTETS,
        noSync: !durable,
        noMemInit: true,
        overlappingSync: false,
        noSubdir: false,
      });
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new SyncError('IO', `${directory}: cannot open the sandbox's database: ${reason}`, {
        phase: 'start',
        hint: 'The directory must be writable and not in use by another sandbox',
        cause: error,
      });
    }
    this.#flags = durable ? ABORTABLE | SYNCHRONOUS_COMMIT : ABORTABLE | NO_SYNC_FLUSH;
    const table = <V>(name: string) => this.#root.openDB<V, TableKey>({ name, cache: false });
    const counters = table<number>('counters');
    const format = counters.get('format');
    if (format !== undefined && format !== FORMAT) {
      void this.#root.close();
      throw new SyncError(
        'DATABASE_UNSUPPORTED',
        `${directory}: expected format ${FORMAT}, found ${format}`,
        {
          phase: 'start',
          hint: 'Start with an empty directory',
        },
      );
    }
    counters.putSync('format', FORMAT);
    const contents = this.#root.openDB<Buffer, TableKey>({
      name: 'contents',
      encoding: 'binary',
      cache: false,
    });
    this.messages = new MessageTable(contents, table('holders'));
    this.mailboxes = new MailboxTable(
      table('mailboxes'),
      table('uniqueids'),
      table('latest'),
      table('records'),
      counters,
      this.messages,
    );
    this.users = new UserTables(
      {
        subscriptions: table('subscriptions'),
        seen: table('seen'),
        quotas: table('quotas'),
        scripts: table('scripts'),
        active: table('active'),
        server: table('server'),
        counters,
      },
      this.mailboxes,
    );
    this.transact(() => this.messages.sweep());
  }

  /** All of `work` or, if it throws, nothing of it. */
  transact<T>(work: () => T): T {
    if (this.#depth > 0) return work();
    this.#depth++;
    try {
      return this.#root.transactionSync(work, this.#flags);
    } finally {
      this.#depth--;
    }
  }

  async close(): Promise<void> {
    await this.#root.close();
  }
}
