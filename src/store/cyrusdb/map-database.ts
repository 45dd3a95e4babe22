import type { ByteString } from '../../byte-string.ts';
import type { CyrusDatabase } from './cyrus-database.ts';
import type { KeyComparator } from './key-comparator.ts';

/** Rows already in memory: flat files, and what replay of an unfinished skiplist gave. */
export class MapDatabase implements CyrusDatabase {
  readonly #rows: ReadonlyMap<ByteString, ByteString>;
  readonly #compare: KeyComparator;
  #sorted: ByteString[] | undefined;

  constructor(rows: ReadonlyMap<ByteString, ByteString>, compare: KeyComparator) {
    this.#rows = rows;
    this.#compare = compare;
  }

  get(key: ByteString): ByteString | undefined {
    return this.#rows.get(key);
  }

  *entries(prefix: ByteString, after?: ByteString): Generator<[ByteString, ByteString]> {
    this.#sorted ??= [...this.#rows.keys()].sort(this.#compare);
    const keys = this.#sorted;
    for (let i = this.#begin(keys, prefix, after); i < keys.length; i++) {
      const key = keys[i] ?? '';
      if (!key.startsWith(prefix)) return;
      yield [key, this.#rows.get(key) ?? ''];
    }
  }

  #begin(keys: ByteString[], prefix: ByteString, after: ByteString | undefined): number {
    const skipping = after !== undefined && this.#compare(after, prefix) >= 0;
    const from = skipping ? after : prefix;
    let low = 0;
    let high = keys.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const order = this.#compare(keys[middle] ?? '', from);
      if (order < 0 || (skipping && order === 0)) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
