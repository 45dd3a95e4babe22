import type { ByteString } from '../../byte-string.ts';

/** A key of several parts, in the byte order of its parts. */
export type TableKey = ByteString | (ByteString | number)[];

/** From `start` to before `end`; with `reverse` from `start` down to behind `end`. Without either: all there is. */
export interface KeyRange {
  start?: TableKey;
  end?: TableKey;
  reverse?: boolean;
  limit?: number;
}

/** One sorted table. Values are stored as copies: whoever changes what was got has to put it again. */
export interface Table<V> {
  get(key: TableKey): V | undefined;
  doesExist(key: TableKey): boolean;
  putSync(key: TableKey, value: V): unknown;
  removeSync(key: TableKey): unknown;
  /** As they were when the iteration began. */
  getKeys(range?: KeyRange): Iterable<TableKey>;
  getRange(range?: KeyRange): Iterable<{ key: TableKey; value: V }>;
}

/** The tables of one sandbox, and what makes changes to several of them one change. */
export interface Tables {
  table<V>(name: string): Table<V>;
  /** Values are octets, stored as they are. */
  octetTable(name: string): Table<Buffer>;
  /** All of `work` or, if it throws, nothing of it. Not nested. */
  transact<T>(work: () => T): T;
  close(): Promise<void>;
}
