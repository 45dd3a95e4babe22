import type { KeyRange, Table, TableKey, Tables } from './tables.ts';

/** Takes back one change of a table. */
type Undo = () => void;

/** Tables that are gone with the process: for replicas that live no longer than a test. */
export class MemoryTables implements Tables {
  readonly #tables = new Map<string, MemoryTable<unknown>>();
  /** Changes of the transaction that is open. */
  #undo: Undo[] | undefined;

  table<V>(name: string): Table<V> {
    return this.#named(name, (value) => structuredClone(value));
  }

  octetTable(name: string): Table<Buffer> {
    return this.#named(name, (value) => value);
  }

  transact<T>(work: () => T): T {
    const undo: Undo[] = [];
    this.#undo = undo;
    try {
      return work();
    } catch (error) {
      for (const each of undo.reverse()) each();
      throw error;
    } finally {
      this.#undo = undefined;
    }
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  #named<V>(name: string, copy: (value: V) => V): Table<V> {
    const table = this.#tables.get(name) ?? new MemoryTable(copy, (undo) => this.#undo?.push(undo));
    this.#tables.set(name, table as MemoryTable<unknown>);
    return table as MemoryTable<V>;
  }
}

/** Rows in the order of their keys; small enough that moving them up by one at each insertion costs nothing. */
class MemoryTable<V> implements Table<V> {
  readonly #rows: { key: TableKey; value: V }[] = [];
  readonly #copy: (value: V) => V;
  readonly #changed: (undo: Undo) => void;

  constructor(copy: (value: V) => V, changed: (undo: Undo) => void) {
    this.#copy = copy;
    this.#changed = changed;
  }

  get(key: TableKey): V | undefined {
    const row = this.#rows[this.#at(key)];
    return row !== undefined && compareKeys(row.key, key) === 0 ? this.#copy(row.value) : undefined;
  }

  doesExist(key: TableKey): boolean {
    const row = this.#rows[this.#at(key)];
    return row !== undefined && compareKeys(row.key, key) === 0;
  }

  putSync(key: TableKey, value: V): void {
    const before = this.#set(key, { key, value: this.#copy(value) });
    this.#changed(() => this.#set(key, before));
  }

  removeSync(key: TableKey): void {
    const before = this.#set(key, undefined);
    this.#changed(() => this.#set(key, before));
  }

  *getKeys(range: KeyRange = {}): Generator<TableKey> {
    for (const { key } of this.#slice(range)) yield key;
  }

  *getRange(range: KeyRange = {}): Generator<{ key: TableKey; value: V }> {
    for (const { key, value } of this.#slice(range)) yield { key, value: this.#copy(value) };
  }

  #slice({ start, end, reverse = false, limit }: KeyRange): { key: TableKey; value: V }[] {
    const rows = reverse
      ? this.#rows.slice(end === undefined ? 0 : this.#after(end), this.#after(start)).reverse()
      : this.#rows.slice(start === undefined ? 0 : this.#at(start), this.#at(end));
    return limit === undefined ? rows : rows.slice(0, limit);
  }

  /** @returns the row that was there */
  #set(key: TableKey, row: { key: TableKey; value: V } | undefined): { key: TableKey; value: V } | undefined {
    const at = this.#at(key);
    const found = this.#rows[at];
    const before = found !== undefined && compareKeys(found.key, key) === 0 ? found : undefined;
    this.#rows.splice(at, before === undefined ? 0 : 1, ...(row === undefined ? [] : [row]));
    return before;
  }

  /** Index of the first row whose key is not less; behind all without a key. */
  #at(key: TableKey | undefined): number {
    if (key === undefined) return this.#rows.length;
    let low = 0;
    let high = this.#rows.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const row = this.#rows[middle];
      if (row !== undefined && compareKeys(row.key, key) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #after(key: TableKey | undefined): number {
    if (key === undefined) return this.#rows.length;
    return this.#at(key) + (this.doesExist(key) ? 1 : 0);
  }
}

/** The order of lmdb's keys: part by part, numbers before strings, a key before those that it begins. */
function compareKeys(one: TableKey, other: TableKey): number {
  const ours = Array.isArray(one) ? one : [one];
  const theirs = Array.isArray(other) ? other : [other];
  for (const [index, part] of ours.entries()) {
    const counterpart = theirs[index];
    if (counterpart === undefined) return 1;
    if (typeof part !== typeof counterpart) return typeof part === 'number' ? -1 : 1;
    if (part < counterpart) return -1;
    if (part > counterpart) return 1;
  }
  return ours.length - theirs.length;
}
