import type { ByteString } from '../../byte-string.ts';
import { SyncError } from '../../report/sync-error.ts';
import type { CyrusDatabase, OnDamage } from './cyrus-database.ts';
import { outOfOrder } from './damaged.ts';
import type { KeyComparator } from './key-comparator.ts';

/**
 * Look-up and ordered walk of what the formats built on skip lists share; how a record is laid out is theirs.
 *
 * A flipped bit in a key sends a search astray, and "not there" makes the caller remove things elsewhere. So absence is
 * proven: the two records between which a key would be, and the record that ends a range, have to be what was written.
 * Whichever key on the way was damaged, it is one of these, because the search cannot get past it in both directions.
 */
export abstract class SkipList<Node extends { offset: number }> implements CyrusDatabase {
  readonly #path: string;
  readonly #compare: KeyComparator;

  constructor(path: string, compare: KeyComparator) {
    this.#path = path;
    this.#compare = compare;
  }

  /** Makes a node that is filled again and again: a walk would otherwise make garbage of a million of them. */
  protected abstract newNode(): Node;

  /**
   * Fills `node` with the dummy that every level begins at.
   *
   * @returns how many levels of it are to be trusted
   */
  protected abstract readDummy(node: Node): number;

  /**
   * Fills `node` with the record at `offset`, which is not 0, or with the one that stands for it.
   *
   * @returns its key; undefined for the end of the list
   */
  protected abstract readRecord(offset: number, node: Node): ByteString | undefined;

  /** Offset of the record after `node` at a level, the list of all records being level 0; 0 for the end. */
  protected abstract next(node: Node, level: number): number;

  protected abstract value(node: Node): ByteString;

  /**
   * Compares the key of `node` with the checksum that was written along with it.
   *
   * @returns false if the format has no checksums
   * @throws SyncError DATABASE_DAMAGED
   */
  protected abstract verifyKey(node: Node): boolean;

  get(key: ByteString): ByteString | undefined {
    const node = this.newNode();
    return this.#seek(key, node) === key ? this.value(node) : undefined;
  }

  *entries(prefix: ByteString, after?: ByteString, onDamage?: OnDamage): Generator<[ByteString, ByteString]> {
    if (onDamage) yield* this.#soundEntries(prefix, after, onDamage);
    else yield* this.#allEntries(prefix, after);
  }

  *#allEntries(prefix: ByteString, after?: ByteString): Generator<[ByteString, ByteString]> {
    const skipping = after !== undefined && this.#compare(after, prefix) >= 0;
    const from = skipping ? after : prefix;
    const node = this.newNode();
    let key = this.#seek(from, node);
    if (skipping && key === from) {
      this.verifyKey(node);
      key = this.#enter(this.next(node, 0), node, key);
    }
    while (key?.startsWith(prefix)) {
      yield [key, this.value(node)];
      key = this.#enter(this.next(node, 0), node, key);
    }
    if (key !== undefined && !this.verifyKey(node)) this.#checkSuccessor(node, key);
  }

  /**
   * Walks from the first record of the list on, without a search that a damaged key could send astray, and goes on behind
   * each damaged record.
   */
  *#soundEntries(
    prefix: ByteString,
    after: ByteString | undefined,
    onDamage: OnDamage,
  ): Generator<[ByteString, ByteString]> {
    let node = this.newNode();
    let following = this.newNode();
    const passed = new Set<number>();
    let previous: ByteString | undefined;
    this.readDummy(node);
    for (let offset = this.next(node, 0); offset !== 0; offset = this.next(node, 0)) {
      const key = this.readRecord(offset, following);
      if (key === undefined) return;
      [node, following] = [following, node];
      const damage = this.#damageOf(node, key, previous);
      if (damage) {
        // Each is come by once, unless what leads to the next one is damaged too.
        if (passed.has(node.offset)) throw damage;
        passed.add(node.offset);
        onDamage(damage);
        continue;
      }
      previous = key;
      if (after !== undefined && this.#compare(key, after) <= 0) continue;
      if (key.startsWith(prefix)) yield [key, this.value(node)];
      else if (this.#compare(key, prefix) > 0) return;
    }
  }

  #damageOf(node: Node, key: ByteString, previous: ByteString | undefined): SyncError | undefined {
    try {
      this.verifyKey(node);
    } catch (caught) {
      if (caught instanceof SyncError && caught.code === 'DATABASE_DAMAGED') return caught;
      throw caught;
    }
    const inOrder = previous === undefined || this.#compare(previous, key) < 0;
    return inOrder ? undefined : outOfOrder(this.#path, node.offset, previous, key);
  }

  /**
   * Leaves the first record at or after `target` in `node`. Unless it is `target` itself, it is verified that nothing is
   * before it that should be.
   *
   * @returns its key; undefined if there is none
   */
  #seek(target: ByteString, node: Node): ByteString | undefined {
    let before = this.newNode();
    let candidate = this.newNode();
    let beforeKey: ByteString | undefined;
    /** Where the search came from when it went to `before`. */
    let origin: Origin = { offset: 0, key: undefined };
    // The record at which the level above stopped is the same again, more often than not.
    let stop = 0;
    for (let level = this.readDummy(before) - 1; level >= 0; ) {
      const offset = this.next(before, level);
      if (offset === 0 || offset === stop) {
        stop = offset;
        level--;
        continue;
      }
      const key = this.#enter(offset, candidate, beforeKey);
      if (key !== undefined && this.#compare(key, target) < 0) {
        origin = { offset: beforeKey === undefined ? 0 : before.offset, key: beforeKey };
        [before, candidate] = [candidate, before];
        beforeKey = key;
      } else {
        stop = offset;
        level--;
      }
    }
    const key = this.#enter(stop, node, beforeKey);
    if (key === target) return key;
    if (beforeKey !== undefined && !this.verifyKey(before)) this.#checkPredecessors(origin, before.offset);
    if (key !== undefined && !this.verifyKey(node)) this.#checkSuccessor(node, key);
    return key;
  }

  /**
   * Checks a record without checksums by its order: a damaged key that hides a row is not between its neighbours any more.
   * A damaged key of the row itself that still fits between them cannot be told.
   */
  #checkSuccessor(node: Node, key: ByteString): void {
    this.#enter(this.next(node, 0), this.newNode(), key);
  }

  /** Checks in the same way a record that was reached over the heads of those before it. */
  #checkPredecessors(origin: Origin, end: number): void {
    let node = this.newNode();
    let following = this.newNode();
    let key = origin.key;
    if (key === undefined) this.readDummy(node);
    else this.readRecord(origin.offset, node);
    while (node.offset !== end) {
      const offset = this.next(node, 0);
      if (offset === 0) return;
      key = this.#enter(offset, following, key);
      if (key === undefined) return;
      [node, following] = [following, node];
    }
  }

  /** @param previous the key that it must come after: this also ends every cycle that damage can make */
  #enter(offset: number, node: Node, previous: ByteString | undefined): ByteString | undefined {
    if (offset === 0) return undefined;
    const key = this.readRecord(offset, node);
    if (key !== undefined && previous !== undefined && this.#compare(previous, key) >= 0) {
      throw outOfOrder(this.#path, node.offset, previous, key);
    }
    return key;
  }
}

interface Origin {
  offset: number;
  /** undefined: the dummy. */
  key: ByteString | undefined;
}
