import type { Database } from 'lmdb';
import type { ByteString } from '../../byte-string.ts';

/** A key of several parts, in the byte order of its parts. */
export type TableKey = ByteString | (ByteString | number)[];
export type Table<V> = Database<V, TableKey>;
