import type { ByteString } from '../../byte-string.ts';
import { type Page, pagesBehind } from './pages-behind.ts';
import { SharedReading } from './shared-reading.ts';

/** Where the history of a mailbox begins in its record (store 3.3). */
const HISTORY = ' H (';

/** The records by uniqueid as they are read for a search. */
export interface SearchedRecords {
  /** Some records behind the key `after`, read under one lock of the database. */
  recordsBehind(after: ByteString | undefined): RecordPage;
  /** undefined: the mailbox lives no more. */
  namesOf(value: ByteString): MailboxNames | undefined;
}

/** The names of one mailbox, as the database has them. */
export interface MailboxNames {
  now: ByteString;
  before: readonly ByteString[];
}

export interface RecordPage extends Page {
  values: ByteString[];
}

/**
 * Finds live mailboxes by a name that they once had. A record by uniqueid tells what its mailbox was called, and nothing
 * leads from there to it, so that all records have to be read.
 */
export class FormerNameSearch {
  readonly #records: SearchedRecords;
  readonly #reading = new SharedReading((wanted) => this.#readAll(wanted));

  constructor(records: SearchedRecords) {
    this.#records = records;
  }

  /** @returns present names of those that were once called so; all names as the database has them */
  async find(formerName: ByteString): Promise<ByteString[]> {
    return (await this.#reading.ask([formerName])).get(formerName) ?? [];
  }

  async #readAll(wanted: ReadonlySet<ByteString>): Promise<Map<ByteString, ByteString[]>> {
    const found = new Map<ByteString, ByteString[]>();
    for await (const { values } of pagesBehind((after) => this.#records.recordsBehind(after))) {
      for (const value of values) {
        const names = value.includes(HISTORY) ? this.#records.namesOf(value) : undefined;
        for (const name of new Set(names?.before)) {
          if (names && wanted.has(name)) found.set(name, [...(found.get(name) ?? []), names.now]);
        }
      }
    }
    return found;
  }
}
