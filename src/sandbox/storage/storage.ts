/**
 * The door of `sandbox/storage`. Here is what the replica holds: mailboxes and records, messages by GUID, what users have, over
 * sorted tables in memory or in LMDB. It knows nothing of the protocol. A command's changes are kept together or not at all, and
 * a message is kept for as long as a record or a stage needs it.
 */

import { SyncError } from '../../report/sync-error.ts';
import { MailboxTable } from './mailbox-table.ts';
import { MessageTable } from './message-table.ts';
import type { Tables } from './tables.ts';
import { UserTables } from './user-tables.ts';

/** Raised when a change of layout makes older directories unreadable. */
const FORMAT = 2;

/**
 * All that a sandbox knows. Everything is synchronous: a command is one transaction, and the process has one thread, so
 * commands of all connections are serialised.
 */
export class Storage {
  readonly mailboxes: MailboxTable;
  readonly messages: MessageTable;
  readonly users: UserTables;
  readonly #tables: Tables;
  #depth = 0;

  /**
   * @param place named in the error
   * @throws SyncError DATABASE_UNSUPPORTED
   */
  constructor(tables: Tables, place: string) {
    this.#tables = tables;
    const table = <V>(name: string) => tables.table<V>(name);
    const counters = table<number>('counters');
    const format = counters.get('format');
    if (format !== undefined && format !== FORMAT) {
      void tables.close();
      throw new SyncError('DATABASE_UNSUPPORTED', `${place}: expected format ${FORMAT}, found ${format}`, {
        phase: 'start',
        hint: 'Start with an empty directory',
      });
    }
    counters.putSync('format', FORMAT);
    this.messages = new MessageTable(tables.octetTable('contents'), table('holders'));
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
      return this.#tables.transact(work);
    } finally {
      this.#depth--;
    }
  }

  async close(): Promise<void> {
    await this.#tables.close();
  }
}
