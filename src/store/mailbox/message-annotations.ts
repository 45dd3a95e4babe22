import { statSync } from 'node:fs';
import type { ByteString } from '../../byte-string.ts';
import type { Synchronous } from '../../native/lock-scope.ts';
import type { KeptDatabases } from '../cyrusdb/kept-database.ts';
import { type CyrusDatabase, withDatabase } from '../cyrusdb/with-database.ts';
import { databaseDamaged } from '../files/store-errors.ts';
import type { Annotation } from '../master-store.ts';
import { AnnotationRowError, annotationOf, inWireOrder, textOfKey, uidOfScope } from './annotation-rows.ts';

export interface AnnotationScope {
  scope: ByteString;
  /** Whose private ones count as the mailbox's own. */
  owner: ByteString | undefined;
}

/** Annotations of scopes of annotations.db, each in wire order. A store that never had any has no such file. */
export function readScopes(
  databases: KeptDatabases,
  path: string,
  scopes: readonly AnnotationScope[],
): Annotation[][] {
  const read = (db: CyrusDatabase) => scopes.map(({ scope, owner }) => scopeOf(db, path, scope, owner));
  const found = databases.read(path, read, { atLeast: 'header' });
  return found ?? scopes.map(() => []);
}

function scopeOf(
  db: CyrusDatabase,
  path: string,
  scope: ByteString,
  owner: ByteString | undefined,
): Annotation[] {
  const found: Annotation[] = [];
  for (const [key, value] of db.entries(`${scope}\0`)) {
    const annotation = annotationIn(path, key, value, owner);
    if (annotation !== undefined) found.push(plain(annotation));
  }
  return inWireOrder(found);
}

function annotationIn(path: string, key: ByteString, value: ByteString, owner: ByteString | undefined) {
  try {
    return annotationOf(key, value, owner);
  } catch (caught) {
    if (!(caught instanceof AnnotationRowError)) throw caught;
    throw databaseDamaged(path, `annotation ${textOfKey(key)}: ${caught.message}`, ROW_HINT);
  }
}

const ROW_HINT = 'set that annotation anew, or restore the file from a backup';

function plain({ entry, userid, modseq, value }: Annotation): Annotation {
  return { entry, userid, modseq, value };
}

/** Up to this size cyrus.annotations is read at one go: cheaper than looking up record after record. */
const WHOLE_FILE_OCTETS = 4 * 1024 * 1024;
/** Messages looked up under one lock in a larger file; records are mostly wanted in runs. */
const LOOKUP_RUN = 256;
const NONE: Annotation[] = [];

/**
 * Stored annotations of the messages of one mailbox. The file is opened when the first record is wanted, if there is
 * one at all, and read under the index lock, which every writer of it holds too.
 */
export class MessageAnnotations {
  readonly #path: string;
  readonly #owner: ByteString | undefined;
  /** undefined: not looked yet. */
  #size: number | 'none' | undefined;
  /** By UID: of the whole file, or of the last run of lookups. */
  #known = new Map<number, Annotation[]>();
  #whole = false;

  constructor(path: string, owner: ByteString | undefined) {
    this.#path = path;
    this.#owner = owner;
  }

  /** @param nextUids those likely to be asked for after this one */
  of(uid: number, nextUids: () => Iterable<number>): Annotation[] {
    this.#size ??= statSync(this.#path, { throwIfNoEntry: false })?.size ?? 'none';
    if (this.#size === 'none') return NONE;
    if (this.#size <= WHOLE_FILE_OCTETS) {
      if (!this.#whole) this.#loadAll();
      return this.#known.get(uid) ?? NONE;
    }
    if (!this.#known.has(uid)) this.#loadRun(uid, nextUids());
    return this.#known.get(uid) ?? NONE;
  }

  #loadAll(): void {
    this.#known = this.#read((db) => this.#allOf(db)) ?? new Map();
    this.#whole = true;
  }

  #allOf(db: CyrusDatabase): Map<number, Annotation[]> {
    const found = new Map<number, Annotation[]>();
    for (const [key, value] of db.entries('')) {
      const annotation = annotationIn(this.#path, key, value, this.#owner);
      if (annotation === undefined) continue;
      const uid = uidOfScope(annotation.scope);
      const list = found.get(uid);
      if (list === undefined) found.set(uid, [plain(annotation)]);
      else list.push(plain(annotation));
    }
    for (const [uid, list] of found) found.set(uid, inWireOrder(list));
    return found;
  }

  #loadRun(uid: number, nextUids: Iterable<number>): void {
    const run = [uid];
    for (const next of nextUids) {
      if (run.length >= LOOKUP_RUN) break;
      run.push(next);
    }
    const found = this.#read((db) => run.map((each) => scopeOf(db, this.#path, String(each), this.#owner)));
    this.#known = new Map(run.map((each, i) => [each, found?.[i] ?? NONE]));
  }

  #read<T extends Synchronous>(read: (db: CyrusDatabase) => T): T | undefined {
    return withDatabase(this.#path, read, { atLeast: 'header' });
  }
}
