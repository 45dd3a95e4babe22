import type { ByteString } from '../../byte-string.ts';
import type { MailboxEntry } from '../master-store.ts';
import { type Page, pagesBehind } from './pages-behind.ts';
import { SharedReading } from './shared-reading.ts';

/** The list as it is read for a search. */
export interface SearchedList {
  /** Some rows behind the key `after`, read under one lock of the database. */
  rowsBehind(after: ByteString | undefined): RowPage;
  /** The row as it is read elsewhere. */
  entryOf(name: ByteString, value: ByteString): MailboxEntry;
  /** Another one once anything in the database has changed. */
  stamp(): string;
}

export interface RowPage extends Page {
  found: [name: ByteString, value: ByteString][];
}

/** Where a uniqueid may stand in a row, whatever its age (store 3.3). An ident of the ACL may look like one. */
const PERHAPS_UNIQUEID = /\b(?:I|uniqueid) "?([^ "()]+)/g;
/** A mailbox that is renamed while the list is read may be passed by; hardly at each reading, and each time backwards. */
const MOST_READINGS = 3;

/** Finds mailboxes by uniqueid in a list that is keyed by names alone, by reading all of it. */
export class UniqueidSearch {
  readonly #list: SearchedList;
  readonly #reading = new SharedReading((wanted) => this.#search(wanted));

  constructor(list: SearchedList) {
    this.#list = list;
  }

  /**
   * Finds the row that has each uniqueid: of a renamed mailbox the live one, not the tombstone under its former name. A
   * uniqueid that is missing from the answer is in no row; others may be in there that somebody else asked for.
   */
  find(uniqueids: readonly ByteString[]): Promise<ReadonlyMap<ByteString, MailboxEntry>> {
    return this.#reading.ask(uniqueids);
  }

  async #search(wanted: Set<ByteString>): Promise<ReadonlyMap<ByteString, MailboxEntry>> {
    const found = new Map<ByteString, MailboxEntry>();
    for (let readings = 1; wanted.size > 0; readings++) {
      const before = this.#list.stamp();
      await this.#readAll(wanted, found);
      if (readings === MOST_READINGS || this.#list.stamp() === before) break;
    }
    return found;
  }

  /** @param wanted loses those that are found live: for them nothing can be missed any more */
  async #readAll(wanted: Set<ByteString>, found: Map<ByteString, MailboxEntry>): Promise<void> {
    for await (const page of pagesBehind((after) => this.#list.rowsBehind(after))) {
      for (const [name, value] of page.found) {
        if (!mayHave(value, wanted)) continue;
        const entry = this.#list.entryOf(name, value);
        if (!wanted.has(entry.uniqueid)) continue;
        if (!entry.deleted) wanted.delete(entry.uniqueid);
        found.set(entry.uniqueid, entry);
      }
    }
  }
}

function mayHave(value: ByteString, wanted: ReadonlySet<ByteString>): boolean {
  for (const [, uniqueid = ''] of value.matchAll(PERHAPS_UNIQUEID)) {
    if (wanted.has(uniqueid)) return true;
  }
  return false;
}
